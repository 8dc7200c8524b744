/** Data by mime type, as Jupyter's display messages carry it. */
export type MimeBundle = Record<string, unknown>;

/** A channel to code in the page (Jupyter's comm protocol). */
export interface Comm {
  readonly id: string;
  send(data: unknown, buffers?: Uint8Array[]): void;
  close(data?: unknown): void;
  onMessage(listener: (data: unknown, buffers: Uint8Array[]) => void): void;
  onClose(listener: (data: unknown) => void): void;
}

/**
 * What a notebook kernel offers to the lab. A kernel sets `globalThis[Symbol.for("Jupyter.host")]`; this room is its
 * only user, and without one the lab writes to a plain terminal.
 */
export interface JupyterHost {
  /** Shows a bundle under the running cell. */
  display(bundle: MimeBundle, options?: { displayId?: string; metadata?: Record<string, unknown> }): void;
  /** Replaces every output shown under `displayId`. */
  update(displayId: string, bundle: MimeBundle, metadata?: Record<string, unknown>): void;
  /** Clears the running cell's output; with `wait`, when the next output arrives. */
  clear(wait?: boolean): void;
  openComm(target: string, data?: unknown, metadata?: Record<string, unknown>): Comm;
  /** Asks the person at the notebook for a line. */
  input(prompt: string, options?: { password?: boolean }): Promise<string>;
  /** Aborted when the running cell is interrupted. */
  signal(): AbortSignal;
  /** Identity of the running cell, as the front end gave it. */
  cellId(): string | undefined;
  /** Runs code that must not be cut; an interrupt waits for it (2 s at most). */
  shield<T>(run: () => T): T;
  /** Makes `%%name args` at the top of a cell call `run(body, args)`. */
  registerMagic(name: string, run: (body: string, args: string) => unknown): void;
}

export const hostSymbol: unique symbol = Symbol.for("Jupyter.host") as never;
export const displaySymbol: unique symbol = Symbol.for("Jupyter.display") as never;

/** The kernel's host, if the lab runs inside a notebook. */
export function host(): JupyterHost | undefined {
  return (globalThis as { [hostSymbol]?: JupyterHost })[hostSymbol];
}
