import { inspect } from "node:util";
import { checkBoolean, checkText } from "./checks.ts";
import { type Layout, layoutState } from "./layout.ts";
import { type Identity, Model, type ModelOwner, type State, standFor } from "./model.ts";

const base = { module: "@jupyter-widgets/base", version: "2.0.0" };
const controls = { module: "@jupyter-widgets/controls", version: "2.0.0" };

const layoutModel: Identity = { ...base, model: "LayoutModel", view: "LayoutView" };

/** A model of the standard controls, whose names follow one pattern; some share the view of another one. */
export function control(name: string, view = name): Identity {
  return { ...controls, model: `${name}Model`, view: `${view}View` };
}

/** A model that says how a standard control looks. */
export function style(name: string): Identity {
  return { ...controls, model: `${name}StyleModel`, view: "StyleView", viewModule: base.module };
}

/** Options that every widget has. */
export interface WidgetOptions {
  /** Size and place. */
  layout?: Layout;
}

export const widgetOptions = ["layout"] as const;

interface WidgetParts {
  /** The function that made the widget, as messages name it. */
  what: string;
  identity: Identity;
  state: State;
  layout?: Layout | undefined;
  /** The model for the look, and its state. */
  style?: { identity: Identity; state?: State };
}

/**
 * Something interactive in the page with its other half here. The last expression of a cell and `display(widget)` show
 * it, as often as you like: all views are of the one widget. It lives until it is closed or the kernel ends.
 */
export abstract class Widget {
  protected readonly what: string;
  protected readonly model: Model;
  readonly #parts: Model[] = [];

  constructor({ what, identity, state, layout = {}, style: look }: WidgetParts, owner: ModelOwner) {
    this.what = what;
    const parts: Record<string, Model> = { layout: new Model(layoutModel, layoutState(what, layout)) };
    if (look) parts.style = new Model(look.identity, look.state ?? {});
    this.#parts = Object.values(parts);
    this.model = new Model(
      identity,
      { ...state, ...parts },
      {
        ...owner,
        closed: () => {
          for (const part of this.#parts) part.close();
          owner.closed?.();
        },
      },
    );
    standFor(this, this.model);
  }

  /** What the page shows now, as plain values: a copy. */
  get state(): Record<string, unknown> {
    const own = Object.entries(this.model.state).filter(([, value]) => !this.#parts.includes(value as Model));
    return Object.fromEntries(own.filter(([name]) => !name.startsWith("_")));
  }

  /** Whether the widget is closed, by `close()` or by the page. */
  get isClosed(): boolean {
    return this.model.isClosed;
  }

  /** Takes the widget out of every page. It keeps its last value and can no longer be changed. */
  close(): void {
    this.model.close();
  }

  /** The widget in a few words, for where no page shows it. */
  protected abstract describe(): string;

  /** @throws Error once the widget is closed */
  protected change(changes: State): void {
    if (this.isClosed) throw new Error(`This ${this.what} is closed and can no longer be changed. Make a new one.`);
    this.model.set(changes);
  }

  [Symbol.for("Jupyter.display")](): Record<string, unknown> {
    const text = { "text/plain": this.describe() };
    if (this.isClosed) return text;
    const view = { version_major: 2, version_minor: 0, model_id: this.model.id };
    return { ...text, "application/vnd.jupyter.widget-view+json": view };
  }

  [inspect.custom](): string {
    return this.describe();
  }
}

/** Options of widgets that have a label and can be switched off. */
export interface ControlOptions extends WidgetOptions {
  /** Text beside the control. Default: none. */
  label?: string;
  /** Text that appears under the pointer. Default: none. */
  tooltip?: string;
  /** Shown but not to be used. Default: false. */
  disabled?: boolean;
}

export const controlOptions = [...widgetOptions, "label", "tooltip", "disabled"] as const;

/** State that every control has. @throws TypeError for values of the wrong kind */
export function controlState(what: string, options: ControlOptions): State {
  return {
    description: checkText(what, "label", options.label ?? ""),
    tooltip: options.tooltip === undefined ? null : checkText(what, "tooltip", options.tooltip),
    disabled: checkBoolean(what, "disabled", options.disabled ?? false),
  };
}

/** The page gives labels 80 pixels; longer ones get the room that they need. */
const shortLabel = 11;

/** State of the look of a control with a label beside it. */
export function labelStyle({ label = "" }: ControlOptions): State {
  return { description_width: label.length > shortLabel ? "initial" : "" };
}

/** A widget with a label that can be switched off. */
export abstract class Control extends Widget {
  get label(): string {
    return this.model.state.description as string;
  }
  set label(text: string) {
    this.change({ description: checkText(this.what, "label", text) });
  }

  /** Shown but not to be used. */
  get disabled(): boolean {
    return this.model.state.disabled as boolean;
  }
  set disabled(isDisabled: boolean) {
    this.change({ disabled: checkBoolean(this.what, "disabled", isDisabled) });
  }

  /** `slider "learning rate": 0.001`, or what the widget has to say besides its label. */
  protected describe(): string {
    const content = this.content();
    return `${this.what}${this.label && ` "${this.label}"`}${content && `: ${content}`}`;
  }

  protected abstract content(): string;
}
