import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { displaySymbol, host, type JupyterHost, type MimeBundle } from "./host.ts";
import { writeText } from "./terminal.ts";

/** An object that renders itself. */
export interface Displayable {
  [displaySymbol](): MimeBundle | Promise<MimeBundle>;
}

export function isDisplayable(value: unknown): value is Displayable {
  return typeof (value as Partial<Displayable> | null | undefined)?.[displaySymbol] === "function";
}

function isBundle(value: unknown): value is MimeBundle {
  if (typeof value !== "object" || value === null) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => /^[\w.+-]+\/[\w.+-]+$/.test(key));
}

/** The bundle of any value: its own, the value itself if it is one already, or its text. */
export function bundleOf(value: unknown): MimeBundle | Promise<MimeBundle> {
  if (isDisplayable(value)) return value[displaySymbol]();
  if (isBundle(value)) return value;
  return { "text/plain": typeof value === "string" ? value : inspect(value) };
}

/** Something that was shown and can be replaced where it stands. */
export class Display {
  readonly id: string;
  readonly #host: JupyterHost | undefined;
  #queue: Promise<void> | undefined;

  /** @param first what is shown at once. */
  constructor(id: string, first: unknown) {
    this.id = id;
    this.#host = host();
    const bundle = render(first);
    if (this.#host && bundle instanceof Promise) {
      // Holds the place under the running cell, which may be another one when the value has rendered.
      this.#send({ "text/plain": "" }, true);
      this.#put(bundle, false);
    } else this.#put(bundle, true);
  }

  /** Settles when all that was asked for is shown; never rejects. Waits only for values that render asynchronously. */
  get ready(): Promise<void> {
    return this.#queue ?? Promise.resolve();
  }

  /** Replaces what is shown; in a plain terminal, prints the new text. */
  update(value: unknown): void {
    this.#put(render(value), false);
  }

  /** Keeps the order of values that take different times to render. */
  #put(bundle: MimeBundle | Promise<MimeBundle>, isFirst: boolean): void {
    if (!this.#queue && !(bundle instanceof Promise)) {
      this.#send(bundle, isFirst);
      return;
    }
    const before = this.#queue;
    this.#queue = (async () => {
      const rendered = await Promise.resolve(bundle).catch(failed);
      await before;
      this.#send(rendered, isFirst);
    })();
  }

  /** A front end that is gone must not end the caller's work. */
  #send(bundle: MimeBundle, isFirst: boolean): void {
    try {
      if (!this.#host) printBundle(bundle);
      else if (isFirst) this.#host.display(bundle, { displayId: this.id });
      else this.#host.update(this.id, bundle);
    } catch {
      // Nobody looks; the work goes on.
    }
  }
}

const failed = (error: unknown): MimeBundle => ({ "text/plain": `(cannot be displayed: ${String(error)})` });

function render(value: unknown): MimeBundle | Promise<MimeBundle> {
  try {
    return bundleOf(value);
  } catch (error) {
    return failed(error);
  }
}

function printBundle(bundle: MimeBundle): void {
  const text = bundle["text/plain"];
  if (text !== undefined && text !== "") writeText(process.stdout, `${String(text)}\n`);
}

/**
 * Shows a value under the running cell, or prints its text in a terminal. Showing never fails: an object that cannot
 * render itself is shown as what went wrong.
 *
 * @param value an object that renders itself, a bundle by mime type, or anything else (its text).
 * @returns a handle that replaces the output in place.
 */
export function show(value: unknown, options: { displayId?: string } = {}): Display {
  return new Display(options.displayId ?? randomUUID(), value);
}
