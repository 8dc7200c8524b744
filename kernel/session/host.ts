import { randomUUID } from "node:crypto";
import { tslabVersions } from "../compiler/tslab/versions.ts";
import { widget } from "../widgets/custom.ts";
import { capture, releaseSink } from "./capture.ts";
import type { Cell } from "./cell.ts";
import type { CellCode } from "./cellCode.ts";
import type { Cells } from "./cells.ts";
import { Comms, type SessionComm } from "./comms.ts";
import { errorText, normalizeBundle } from "./display.ts";
import { emit } from "./emit.ts";
import { KernelInterrupt } from "./errors.ts";
import { bindListener } from "./listeners.ts";
import type { MimeBundle, ToSession } from "./wire.ts";

export type Magic = (body: string, args: string) => unknown;

/** Is never aborted: the signal of code that belongs to no cell. */
const never = new AbortController().signal;

/**
 * What the session offers at `globalThis[Symbol.for("Jupyter.host")]` to libraries that run in cells.
 */
export class Host {
  readonly comms: Comms;
  readonly magics = new Map<string, Magic>();
  readonly #cells: Cells;
  readonly #inputs = new Map<number, { resolve(value: string): void; reject(error: Error): void }>();
  #lastInput = 0;
  /** What cells wait for before they end. */
  readonly #held = new WeakMap<Cell, Set<Promise<unknown>>>();

  /** A function of a cell as the cell has it, and what a name of the notebook stands for. */
  readonly codeOf: CellCode["codeOf"];
  readonly nameOf: CellCode["nameOf"];

  constructor(cells: Cells, code: CellCode) {
    this.#cells = cells;
    this.codeOf = code.codeOf;
    this.nameOf = code.nameOf;
    this.comms = new Comms(cells);
  }

  /** Shows a bundle under the running cell. */
  display = (bundle: MimeBundle, options: { displayId?: string; metadata?: Record<string, unknown> } = {}): void => {
    emit({
      type: "display",
      id: this.#cells.here()?.id,
      update: false,
      ...(options.displayId ? { displayId: options.displayId } : {}),
      data: normalizeBundle(bundle),
      metadata: options.metadata ?? {},
    });
  };

  /** Replaces every output shown under `displayId`. */
  update = (displayId: string, bundle: MimeBundle, metadata: Record<string, unknown> = {}): void => {
    emit({
      type: "display",
      id: this.#cells.here()?.id,
      update: true,
      displayId,
      data: normalizeBundle(bundle),
      metadata,
    });
  };

  /** Clears the running cell's output; with `wait`, when the next output arrives. */
  clear = (wait = false): void => emit({ type: "clear", id: this.#cells.here()?.id, wait });

  /** Opens a comm to the front end. */
  openComm = (
    target: string,
    data: unknown = {},
    metadata: Record<string, unknown> = {},
    buffers: readonly (ArrayBuffer | ArrayBufferView)[] = [],
  ): SessionComm => this.comms.open(target, data, metadata, buffers);

  /** Makes comms that the front end opens to `target` call `opened`. */
  registerTarget = (target: string, opened: (comm: SessionComm, data: unknown, buffers: Uint8Array[]) => void): void =>
    this.comms.registerTarget(target, opened);

  /** Makes a listener run as code of the cell that calls this. */
  bind = <A extends unknown[]>(listener: (...args: A) => unknown): ((...args: A) => void) =>
    bindListener(this.#cells, listener);

  /** Runs code whose output goes to a sink, and ends the sink's watch over updates of displays. */
  capture = capture;
  releaseSink = releaseSink;

  /** Asks the person at the notebook for a line. */
  input = (prompt = "", options: { password?: boolean } = {}): Promise<string> => {
    const request = ++this.#lastInput;
    const cell = this.#cells.here();
    return new Promise<string>((resolve, reject) => {
      const stop = () => {
        this.#inputs.delete(request);
        emit({ type: "inputWithdrawn", request });
        reject(new KernelInterrupt());
      };
      cell?.controller.signal.addEventListener("abort", stop, { once: true });
      const settled = () => {
        this.#inputs.delete(request);
        cell?.controller.signal.removeEventListener("abort", stop);
      };
      this.#inputs.set(request, {
        resolve: (value) => {
          settled();
          resolve(value);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      emit({
        type: "inputRequest",
        id: cell?.id,
        request,
        prompt: String(prompt),
        password: options.password === true,
      });
    });
  };

  /** The front's answer to a request for input. */
  answerInput(message: Extract<ToSession, { type: "inputReply" | "inputRefused" }>): void {
    const waiting = this.#inputs.get(message.request);
    if (message.type === "inputReply") waiting?.resolve(message.value);
    else waiting?.reject(new Error(message.reason));
  }

  /** Aborted when the running cell is interrupted. */
  signal = (): AbortSignal => {
    const cell = this.#cells.here();
    if (!cell) return never;
    cell.watchesSignal = true;
    return cell.controller.signal;
  };

  /** Whether the running cell is interrupted. */
  isInterrupted = (): boolean => this.#cells.here()?.interrupted ?? false;

  /** Identity of the running cell, as the front end gave it. */
  cellId = (): string | undefined => this.#cells.here()?.frontCellId;

  /** Identity of this one run of the cell. */
  executionId = (): string | undefined => this.#cells.here()?.id;

  /** The running cell does not end before `work` has. */
  hold = (work: Promise<unknown>): void => {
    const cell = this.#cells.here();
    if (!cell) return;
    const held = this.#held.get(cell) ?? new Set();
    this.#held.set(cell, held.add(work));
    const drop = () => held.delete(work);
    work.then(drop, drop);
  };

  /** The outcome of a cell, once all that it holds has ended. */
  async afterHeld<T>(cell: Cell, outcome: Promise<T>): Promise<T> {
    try {
      return await outcome;
    } finally {
      for (let held = this.#held.get(cell); held?.size; ) await Promise.allSettled(held);
    }
  }

  errorText = errorText;

  /** Runs code that must not be cut; an interrupt waits for it. */
  shield = <T>(run: () => T): T => this.#cells.shield(run);

  /** A widget that brings its own front end. */
  widget = widget;

  /** Makes `%%name args` at the top of a cell call `run(body, args)`. */
  registerMagic = (name: string, run: Magic): void => {
    if (!/^\w+$/.test(name)) throw new Error(`"${name}" is no name for a magic: use letters, digits and "_".`);
    this.magics.set(name, run);
  };
}

type TslabKind = "javascript" | "html" | "markdown" | "latex" | "svg" | "png" | "jpeg" | "gif" | "pdf" | "text";
const tslabTypes: Record<TslabKind, string> = {
  javascript: "text/javascript",
  html: "text/html",
  markdown: "text/markdown",
  latex: "text/latex",
  svg: "image/svg+xml",
  png: "image/png",
  jpeg: "image/jpeg",
  gif: "image/gif",
  pdf: "application/pdf",
  text: "text/plain",
};

/** tslab's public API (`import { display, newDisplay } from "tslab"`) on this kernel. */
export function tslabModule(host: Host): Record<string, unknown> {
  const makeDisplay = (displayId?: string) => {
    let isShown = false;
    const raw = (contentType: string, data: string | Uint8Array) => {
      const bundle = { [contentType]: data };
      if (displayId && isShown) host.update(displayId, bundle);
      else host.display(bundle, displayId ? { displayId } : {});
      isShown = true;
    };
    const kinds = Object.entries(tslabTypes).map(([kind, type]) => [
      kind,
      (data: string | Uint8Array) => raw(type, data),
    ]);
    return { ...Object.fromEntries(kinds), raw };
  };
  return {
    __esModule: true,
    display: makeDisplay(),
    newDisplay: () => makeDisplay(randomUUID()),
    get versions() {
      return { ...tslabVersions(), node: process.version };
    },
  };
}
