/** A channel to the widget's other half in the page. */
export interface Comm {
  readonly id: string;
  send(data: unknown, buffers?: Uint8Array[], metadata?: Record<string, unknown>): void;
  close(data?: unknown): void;
  onMessage(listener: (data: unknown, buffers: Uint8Array[]) => void): void;
  onClose(listener: () => void): void;
}

/** One message of code that is captured; `display` with `update` replaces what has its `displayId`. */
export type CapturedMessage =
  | { type: "stream"; name: "stdout" | "stderr"; text: string }
  | {
      type: "display";
      update: boolean;
      displayId?: string;
      data: Record<string, unknown>;
      metadata: Record<string, unknown>;
    }
  | { type: "clear"; wait: boolean };

export interface OutputSink {
  write(message: CapturedMessage): void;
  update(message: Extract<CapturedMessage, { type: "display" }>): void;
}

/** The part of the session that widgets use. */
interface WidgetHost {
  openComm(target: string, data: unknown, metadata: Record<string, unknown>, buffers: Uint8Array[]): Comm;
  registerTarget(target: string, opened: (comm: Comm) => void): void;
  bind<A extends unknown[]>(listener: (...args: A) => unknown): (...args: A) => void;
  capture<T>(sink: OutputSink, run: () => T): T;
  releaseSink(sink: OutputSink): void;
}

/** @throws Error outside of this kernel */
export function host(): WidgetHost {
  const found = (globalThis as { [key: symbol]: unknown })[Symbol.for("Jupyter.host")];
  if (!found) throw new Error("Widgets live in a notebook: this code does not run in a cell of the CIR Lab kernel.");
  return found as WidgetHost;
}
