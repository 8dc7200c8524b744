import { randomUUID } from "node:crypto";
import type { Cells } from "./cells.ts";
import { emit } from "./emit.ts";
import { errorReport } from "./errors.ts";
import type { ToSession } from "./wire.ts";

type Buffers = readonly (ArrayBuffer | ArrayBufferView)[];
type MessageListener = (data: unknown, buffers: Uint8Array[]) => void;
type CloseListener = (data: unknown) => void;
type TargetListener = (comm: SessionComm, data: unknown, buffers: Uint8Array[]) => void;

/** What the front end sent on a comm. */
interface Delivery {
  /** The client's message: what listeners print belongs to it. */
  readonly id: string;
  readonly data: unknown;
  readonly buffers: Uint8Array[];
}

/** A channel to code in the page. */
export class SessionComm {
  readonly id: string;
  readonly target: string;
  readonly #comms: Comms;
  readonly #messageListeners: MessageListener[] = [];
  readonly #closeListeners: CloseListener[] = [];
  /** Messages that came before anyone listened. */
  #unheard: Delivery[] = [];
  #closed: { by: "page"; delivery: Delivery } | { by: "cell" } | undefined;

  constructor(comms: Comms, id: string, target: string) {
    this.#comms = comms;
    this.id = id;
    this.target = target;
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  send(data: unknown, buffers: Buffers = [], metadata: Record<string, unknown> = {}): void {
    if (!this.isClosed) this.#comms.say("msg", this.id, data, metadata, buffers);
  }

  close(data: unknown = {}): void {
    if (this.isClosed) return;
    this.#comms.say("close", this.id, data, {}, []);
    this.#closed = { by: "cell" };
    this.#comms.forget(this.id);
  }

  onMessage(listener: MessageListener): void {
    this.#messageListeners.push(listener);
    const unheard = this.#unheard;
    this.#unheard = [];
    for (const delivery of unheard) this.#comms.hand(delivery, [listener]);
  }

  onClose(listener: CloseListener): void {
    this.#closeListeners.push(listener);
    if (this.#closed?.by === "page") this.#comms.hand(this.#closed.delivery, [listener]);
  }

  /** A message of the page. */
  deliver(delivery: Delivery): void {
    if (this.#messageListeners.length === 0) this.#unheard.push(delivery);
    else this.#comms.hand(delivery, this.#messageListeners);
  }

  /** The page has closed the channel. */
  closedByPage(delivery: Delivery): void {
    this.#closed = { by: "page", delivery };
    this.#comms.hand(delivery, this.#closeListeners);
  }
}

/** The session's side of Jupyter's comms. */
export class Comms {
  readonly #cells: Cells;
  readonly #open = new Map<string, SessionComm>();
  readonly #targets = new Map<string, TargetListener>();

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  open(target: string, data: unknown, metadata: Record<string, unknown>, buffers: Buffers): SessionComm {
    const comm = new SessionComm(this, randomUUID(), target);
    const id = this.#cells.here()?.id;
    emit({ type: "comm", event: "open", id, commId: comm.id, target, data: data ?? {}, metadata }, bytesOf(buffers));
    this.#open.set(comm.id, comm);
    return comm;
  }

  registerTarget(target: string, opened: TargetListener): void {
    this.#targets.set(target, opened);
  }

  say(
    event: "msg" | "close",
    commId: string,
    data: unknown,
    metadata: Record<string, unknown>,
    buffers: Buffers,
  ): void {
    emit({ type: "comm", event, id: this.#cells.here()?.id, commId, data: data ?? {}, metadata }, bytesOf(buffers));
  }

  forget(commId: string): void {
    this.#open.delete(commId);
  }

  /** Calls listeners with what the page sent. One that throws is told about; the others are called all the same. */
  hand({ id, data, buffers }: Delivery, listeners: readonly ((data: unknown, buffers: Uint8Array[]) => void)[]): void {
    for (const listener of [...listeners]) this.#call(id, () => listener(data, buffers));
  }

  /** A comm message of the front end. */
  receive(message: Extract<ToSession, { type: "comm" }>): void {
    try {
      this.#dispatch(message);
    } finally {
      emit({ type: "commHandled", id: message.id });
    }
  }

  #dispatch({ id, event, commId, target = "", data, buffers }: Extract<ToSession, { type: "comm" }>): void {
    if (event === "open") {
      const opened = this.#targets.get(target);
      const comm = new SessionComm(this, commId, target);
      this.#open.set(commId, comm);
      const isTaken = opened !== undefined && this.#call(id, () => opened(comm, data, buffers));
      if (!isTaken) this.#cells.beside(id, () => comm.close());
      return;
    }
    const comm = this.#open.get(commId);
    if (event === "msg") comm?.deliver({ id, data, buffers });
    else {
      this.forget(commId);
      comm?.closedByPage({ id, data, buffers });
    }
  }

  /** Runs a listener for the page's message `id`. Returns whether it did not throw. */
  #call(id: string, run: () => void): boolean {
    const call = (): boolean => {
      try {
        this.#cells.guarded(run);
        return true;
      } catch (error) {
        const { traceback } = errorReport(error);
        emit({ type: "stream", id, name: "stderr", text: `In a comm's listener: ${traceback.join("\n")}\n` });
        return false;
      }
    };
    return this.#cells.beside(id, call, { isOfPage: true });
  }
}

/** Binary data as bytes, whatever array it came in. */
function bytesOf(buffers: Buffers): Uint8Array[] {
  return buffers.map((buffer) =>
    ArrayBuffer.isView(buffer)
      ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
      : new Uint8Array(buffer),
  );
}
