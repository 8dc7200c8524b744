import { randomUUID } from "node:crypto";
import { InvalidInputError } from "../base/errors.ts";
import { bundleOf } from "./bundle.ts";
import { displaySymbol, host, type JupyterHost, type MimeBundle } from "./host.ts";
import { isInterrupt, reasonOf } from "./plain-text.ts";
import { writeText } from "./terminal.ts";

export interface DisplayOptions {
  /** Name of the output, by which any later cell can replace it. Default: a new one. */
  displayId?: string;
  /** Hints for the page by mime type, for example `{ "image/png": { width: 300 } }`. */
  metadata?: Record<string, unknown>;
}

/** Makes a bundle of a value. */
export type Render<T> = (value: T) => MimeBundle | Promise<MimeBundle>;

/** Something that was shown and can be replaced where it stands. */
export class Display<T = unknown> {
  /** Name of the output: `updateDisplay` replaces it from anywhere. */
  readonly displayId: string;
  readonly #output: Output;
  readonly #render: Render<T>;

  /**
   * @param first what is shown at once.
   * @throws InvalidInputError if `render` refuses the value.
   */
  constructor(first: T, render: Render<T>, { displayId = randomUUID(), metadata = {} }: DisplayOptions = {}) {
    this.displayId = displayId;
    this.#render = render;
    this.#output = { host: host(), displayId, metadata };
    const bundle = rendered(render, first);
    if (this.#output.host && bundle instanceof Promise) {
      // Holds the place under the running cell for what is ready later.
      send(this.#output, { "text/plain": "" }, true);
      put(this.#output, bundle, false);
    } else put(this.#output, bundle, true);
  }

  /** Settles when all that was asked for is shown; never rejects. Waits only for values that render asynchronously. */
  get ready(): Promise<void> {
    return waiting.get(this.displayId) ?? Promise.resolve();
  }

  /** Replaces what is shown; in a plain terminal, prints the new text. */
  update(value: T): void {
    put(this.#output, rendered(this.#render, value), false);
  }

  /** As the last value of a cell it shows nothing more: it stands there already. */
  async [displaySymbol](): Promise<MimeBundle> {
    await this.ready;
    return {};
  }
}

interface Output {
  readonly host: JupyterHost | undefined;
  readonly displayId: string;
  readonly metadata: Record<string, unknown>;
}

/** Outputs that wait for a value to render: what comes later for the same output waits behind it. */
const waiting = new Map<string, Promise<void>>();

function put(output: Output, bundle: MimeBundle | Promise<MimeBundle>, isFirst: boolean): void {
  const { displayId } = output;
  const before = waiting.get(displayId);
  if (!before && !(bundle instanceof Promise)) {
    send(output, bundle, isFirst);
    return;
  }
  const work = (async () => {
    const ready = await Promise.resolve(bundle).catch(failed);
    await before;
    send(output, ready, isFirst);
  })();
  waiting.set(displayId, work);
  void work.then(() => waiting.get(displayId) === work && waiting.delete(displayId));
  output.host?.hold(work);
}

/** A front end that is gone must not end the caller's work. */
function send({ host: notebook, displayId, metadata }: Output, bundle: MimeBundle, isFirst: boolean): void {
  try {
    if (!notebook) printBundle(bundle);
    else if (isFirst) notebook.display(bundle, { displayId, metadata });
    else notebook.update(displayId, bundle, metadata);
  } catch (error) {
    if (isInterrupt(error)) throw error;
    // Nobody looks; the work goes on.
  }
}

const failed = (error: unknown): MimeBundle => ({ "text/plain": `(cannot be displayed: ${reasonOf(error)})` });

function rendered<T>(render: Render<T>, value: T): MimeBundle | Promise<MimeBundle> {
  try {
    return render(value);
  } catch (error) {
    if (isInterrupt(error) || error instanceof InvalidInputError) throw error;
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
 * @param value an object that renders itself, a bundle by mime type, or anything else (shown as a result would be).
 * @returns a handle that replaces the output in place.
 */
export function show(value: unknown, options: DisplayOptions = {}): Display {
  return new Display(value, bundleOf, options);
}

/**
 * Replaces every output that was shown under `displayId`, also by an earlier cell; in a plain terminal, prints the new
 * text.
 */
export function updateDisplay(displayId: string, value: unknown, { metadata = {} }: DisplayOptions = {}): void {
  put({ host: host(), displayId, metadata }, rendered(bundleOf, value), false);
}
