import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { arrayLike, bytesOf } from "./buffers.ts";
import { checkFunction, checkOptions, checkText, shown } from "./checks.ts";
import { Listeners } from "./listeners.ts";
import type { Identity, State } from "./model.ts";
import { Widget, type WidgetOptions, widgetOptions } from "./widget.ts";

/** Any version of anywidget's front end: what it asks of a module has been the same since 0.9. */
const identity: Identity = { module: "anywidget", version: "*", model: "AnyModel", view: "AnyView" };

/** What a custom widget shares with its module in the page: plain values, typed arrays, other widgets. */
export type SharedState = Record<string, unknown>;

/** What `widget` takes. */
export interface CustomOptions<S extends SharedState> extends WidgetOptions {
  /**
   * The module of the page: its text, its address (https://…) or its file as a `file:` URL. Its default export is
   * `{ initialize?({ model }), render?({ model, el }) }` or a function that gives this, as anywidget has it.
   */
  esm: string | URL;
  /** Its styles, in the same three ways. Default: none. */
  css?: string | URL;
  /** Values at the start; only these names can be set later. Default: none. */
  state?: S;
}

const known = [...widgetOptions, "esm", "css", "state"] as const;

/** Names that the models of the page use themselves. */
const reserved = ["layout", "tabbable", "tooltip"];

/** @throws TypeError for what is neither text nor URL; the file system's error where there is no such file */
function source(name: string, value: unknown): string {
  if (value instanceof URL) return value.protocol === "file:" ? readFileSync(fileURLToPath(value), "utf8") : value.href;
  return checkText("widget", name, value);
}

/** @throws TypeError for names and values that cannot be shared */
function checkState(state: SharedState): void {
  for (const [name, value] of Object.entries(state)) {
    if (name.startsWith("_") || reserved.includes(name)) {
      throw new TypeError(
        `widget: the state cannot have the name "${name}". Choose another one, without "_" in front.`,
      );
    }
    if (["function", "symbol", "bigint", "undefined"].includes(typeof value)) {
      throw new TypeError(`widget: ${name} is ${shown(value)}, which cannot travel to the page. Give plain values.`);
    }
  }
}

/** A widget whose front end comes with it. */
export class CustomWidget<S extends SharedState> extends Widget {
  readonly #changes: Listeners<[changes: Partial<S>, previous: Readonly<S>]>;
  readonly #messages: Listeners<[content: unknown, buffers: Uint8Array[]]>;

  constructor(options: CustomOptions<S>) {
    checkOptions("widget", options, known);
    const { esm, css, state = {} as S } = options;
    checkOptions("widget", state, Object.keys(state));
    checkState(state);
    const changes = new Listeners<[Partial<S>, Readonly<S>]>();
    const messages = new Listeners<[unknown, Uint8Array[]]>();
    const own = Object.keys(state);
    const pick = (all: State, names: string[]): SharedState =>
      Object.fromEntries(names.map((name) => [name, all[name]]));
    const front = { _esm: source("esm", esm), ...(css === undefined ? {} : { _css: source("css", css) }) };
    super(
      {
        what: "widget",
        identity,
        // The page keeps one style sheet for each identity.
        state: { ...state, ...front, _anywidget_id: `cirlab.${randomUUID()}` },
        layout: options.layout,
      },
      {
        accept: (sent) => {
          const names = Object.keys(sent).filter((name) => own.includes(name));
          return Object.fromEntries(names.map((name) => [name, received(sent[name], this.model.state[name])]));
        },
        changed: (previous) => {
          const changed = own.filter((name) => this.model.state[name] !== previous[name]);
          if (changed.length > 0) changes.call(pick(this.model.state, changed) as Partial<S>, pick(previous, own) as S);
        },
        message: (content, buffers) => messages.call(content, buffers),
      },
    );
    this.#changes = changes;
    this.#messages = messages;
  }

  /** The shared values now: a copy. */
  override get state(): S {
    return super.state as S;
  }

  /** One of the shared values. @throws TypeError for a name that the widget does not have */
  get<K extends keyof S & string>(name: K): S[K] {
    this.#check([name]);
    return this.model.state[name] as S[K];
  }

  /**
   * Changes shared values, here and in every page. Typed arrays travel as bytes; a page reads them as a DataView.
   * @throws TypeError for a name that the widget does not have
   *
   * @example
   * counter.set({ count: counter.get("count") + 1 });
   */
  set(changes: Partial<S>): void {
    this.#check(Object.keys(changes));
    checkState(changes);
    this.change(changes);
  }

  /** Exchanges the module in the page, which renders anew. */
  reload(esm: string | URL): void {
    this.change({ _esm: source("esm", esm) });
  }

  /** Sends the module in the page a message: there, `model.on("msg:custom", (content, buffers) => …)`. */
  send(content: unknown, buffers: ArrayBufferView[] = []): void {
    this.model.send(
      content,
      buffers.map((buffer) => bytesOf(buffer)!),
    );
  }

  /** Calls `listener` after each change of shared values, by the page or by code. @returns a function that ends this */
  onChange(listener: (changes: Partial<S>, previous: Readonly<S>) => unknown): () => void {
    checkFunction("widget.onChange", "the listener", listener);
    return this.#changes.add(listener);
  }

  /**
   * Calls `listener` for each message that the page sends by `model.send`; of what type that is, nobody checks.
   * @returns a function that ends this
   */
  onMessage<C = unknown>(listener: (content: C, buffers: Uint8Array[]) => unknown): () => void {
    checkFunction("widget.onMessage", "the listener", listener);
    return this.#messages.add((content, buffers) => listener(content as C, buffers));
  }

  #check(names: string[]): void {
    const own = Object.keys(this.state);
    const stranger = names.find((name) => !own.includes(name));
    if (stranger === undefined) return;
    throw new TypeError(`widget: the state has no "${stranger}". It has: ${own.join(", ") || "nothing"}.`);
  }

  protected describe(): string {
    return `widget: ${shown(this.state)}`;
  }
}

/** A value of the page; bytes become an array of the kind that was there. */
function received(value: unknown, before: unknown): unknown {
  return value instanceof Uint8Array ? arrayLike(before, value) : value;
}

/**
 * Makes a widget with a front end of your own, as anywidget does: a module that renders into an element and shares a
 * few values with this side.
 * @throws TypeError for a state that cannot be shared
 *
 * @example
 * const counter = widget({
 *   state: { count: 0 },
 *   esm: `export default {
 *     render({ model, el }) {
 *       const button = document.createElement("button");
 *       const show = () => { button.textContent = "pressed " + model.get("count") + " times"; };
 *       button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
 *       model.on("change:count", show);
 *       show();
 *       el.append(button);
 *     },
 *   }`,
 * });
 */
export function widget<S extends SharedState = Record<never, never>>(options: CustomOptions<S>): CustomWidget<S> {
  return new CustomWidget(options);
}
