export const hostSymbol: unique symbol = Symbol.for("Jupyter.host") as never;
export const displaySymbol: unique symbol = Symbol.for("Jupyter.display") as never;

/** Data by mime type, as Jupyter's display messages carry it. */
export type MimeBundle = Record<string, unknown>;

/** Binary data beside a comm message. */
export type CommBuffer = ArrayBuffer | ArrayBufferView;

/** A channel to code in the page (Jupyter's comm protocol). */
export interface Comm {
  /** Identity of the channel, the same on both sides. */
  readonly id: string;
  /** Name of what it is for; the page picks its code by it. */
  readonly target: string;
  /** Whether either side has closed it. */
  readonly isClosed: boolean;
  /** Sends JSON data and binary buffers; on a closed comm it does nothing. */
  send(data: unknown, buffers?: readonly CommBuffer[], metadata?: Record<string, unknown>): void;
  /** Closes the channel on both sides. A second call does nothing. */
  close(data?: unknown): void;
  /** Calls `listener` with each message of the page. Messages that came before the first listener are kept for it. */
  onMessage(listener: (data: unknown, buffers: Uint8Array[]) => void): void;
  /** Calls `listener` when the page closes the channel, at once if it has. */
  onClose(listener: (data: unknown) => void): void;
}

/** Something interactive in the page, with its other half here; its display bundle shows it. */
export interface HostWidget {
  readonly isClosed: boolean;
  /** Changes the values that it shares with the page. */
  set(changes: Record<string, unknown>): void;
  /** Calls `listener` with each message that the page sends; of what kind that is, nobody checks. */
  onMessage(listener: (content: unknown) => unknown): () => void;
  /** Takes it out of every page. */
  close(): void;
  [displaySymbol](): MimeBundle;
}

/**
 * What a notebook kernel offers to libraries. A kernel sets `globalThis[Symbol.for("Jupyter.host")]`; this room is its
 * only user, and without one the lab writes to a plain terminal.
 */
export interface JupyterHost {
  /** Shows a bundle under the running cell. */
  display(bundle: MimeBundle, options?: { displayId?: string; metadata?: Record<string, unknown> }): void;
  /** Replaces every output shown under `displayId`. */
  update(displayId: string, bundle: MimeBundle, metadata?: Record<string, unknown>): void;
  /** Clears the running cell's output; with `wait`, when the next output arrives. */
  clear(wait?: boolean): void;
  /** Opens a channel to the code that the page has for `target`. */
  openComm(target: string, data?: unknown, metadata?: Record<string, unknown>, buffers?: readonly CommBuffer[]): Comm;
  /** Calls `opened` for each channel that the page opens to `target`. */
  registerTarget(target: string, opened: (comm: Comm, data: unknown, buffers: Uint8Array[]) => void): void;
  /** A listener that runs as code of the running cell, then and later, beside whatever cell runs at that time. */
  bind<A extends unknown[]>(listener: (...args: A) => unknown): (...args: A) => void;
  /** Asks the person at the notebook for a line. */
  input(prompt: string, options?: { password?: boolean }): Promise<string>;
  /** Aborted when the running cell is interrupted. Who asks for it gets a moment to stop in good order. */
  signal(): AbortSignal;
  /** Whether the running cell is interrupted; to ask costs no time and gives none. */
  isInterrupted(): boolean;
  /** Identity of the running cell, as the front end gave it. */
  cellId(): string | undefined;
  /** Identity of this one run of the cell. */
  executionId(): string | undefined;
  /** The running cell does not end before `work` has. */
  hold(work: Promise<unknown>): void;
  /** An error as text: its name, message, the user's own frames and the line of the cell. */
  errorText(error: Error): string;
  /** Runs code that must not be cut; an interrupt waits for it (2 s at most). */
  shield<T>(run: () => T): T;
  /** A function of a cell as the cell has it: JavaScript without types and without what the kernel put in. */
  codeOf?(fn: object): string | undefined;
  /**
   * What a name of the notebook stands for now, the module that it was imported from, and the user's own files that were
   * loaded for it, with the SHA-256 of each text.
   */
  nameOf?(
    name: string,
  ): { value: unknown; module?: string; files?: readonly { path: string; sha256: string }[] } | undefined;
  /** Makes a widget whose front end is a module of its own, as anywidget has it; absent where a kernel has no widgets. */
  widget?(options: { esm: string | URL; css?: string | URL; state?: Record<string, unknown> }): HostWidget;
  /** Makes `%%name args` at the top of a cell call `run(body, args)`. */
  registerMagic(name: string, run: (body: string, args: string) => unknown): void;
}

/** On an error of another language: the lines that a notebook shows of it in place of its stack. */
export const tracebackSymbol: unique symbol = Symbol.for("Jupyter.traceback") as never;

/** The kernel's host, if the lab runs inside a notebook. */
export function host(): JupyterHost | undefined {
  return (globalThis as { [hostSymbol]?: JupyterHost })[hostSymbol];
}
