import { clearTimeout, setTimeout } from "node:timers";
import { checkFunction, checkOptions } from "./checks.ts";
import { host, type OutputSink } from "./host.ts";
import type { Identity } from "./model.ts";
import { OutputList, type StoredOutput } from "./outputs.ts";
import { Widget, type WidgetOptions, widgetOptions } from "./widget.ts";

const identity: Identity = {
  module: "@jupyter-widgets/output",
  version: "1.0.0",
  model: "OutputModel",
  view: "OutputView",
};

/** The page gets the whole content at most this often; the more there is, the more rarely. */
const leastPauseMs = 100;
const charactersPerMs = 4000;

/** A place for output of its own. */
export class Output extends Widget {
  readonly #list = new OutputList();
  readonly #sink: OutputSink;
  /** When the page may get the content again, on the clock of `performance.now()`. */
  #due = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WidgetOptions = {}) {
    checkOptions("output", options, widgetOptions);
    // The content is part of the state, so every page has all of it, also one that comes later.
    super(
      { what: "output", identity, state: { outputs: [], msg_id: "" }, layout: options.layout },
      {
        closed: () => {
          clearTimeout(this.#timer);
          host().releaseSink(this.#sink);
        },
      },
    );
    this.#sink = {
      write: (message) => {
        if (this.#list.add(message)) this.#refresh();
      },
      update: (message) => {
        if (this.#list.update(message)) this.#refresh();
      },
    };
  }

  /** What it shows, as notebooks store outputs. */
  get outputs(): readonly StoredOutput[] {
    return this.#list.all;
  }

  /**
   * Runs code whose output appears here instead of under the cell; also what it puts out later, after an `await` or in
   * a timer. An error of the code is not caught.
   * @returns what the code returns
   *
   * @example
   * button({ label: "Sample" }).onClick(() => log.capture(async () => console.log(await sample())));
   */
  capture<T>(run: () => T): T {
    checkFunction("output.capture", "the code", run);
    if (this.isClosed) throw new Error("This output is closed and shows nothing any more. Make a new one.");
    return host().capture(this.#sink, run);
  }

  /** Empties it; with `wait`, when the next output comes. */
  clear(wait = false): void {
    this.#sink.write({ type: "clear", wait });
  }

  #refresh(): void {
    if (this.isClosed) return;
    const wait = this.#due - performance.now();
    // Asked also while a timer waits: code that never yields would hold it up.
    if (wait <= 0) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), wait);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = performance.now() + leastPauseMs + this.#list.size / charactersPerMs;
    this.change({ outputs: this.#list.all });
  }

  protected describe(): string {
    const texts = this.outputs.map((output) =>
      output.output_type === "stream" ? output.text : String(output.data["text/plain"] ?? ""),
    );
    return texts.length === 0 ? "output: empty" : `output:\n${texts.join("\n")}`;
  }
}

/**
 * Makes a place for output of its own, which `capture` fills.
 *
 * @example
 * const log = output();
 * button({ label: "Greet" }).onClick(() => log.capture(() => console.log("hello")));
 */
export function output(options: WidgetOptions = {}): Output {
  return new Output(options);
}
