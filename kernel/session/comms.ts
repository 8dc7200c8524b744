import { randomUUID } from "node:crypto";
import type { Cells } from "./cells.ts";
import { emit } from "./emit.ts";
import type { ToSession } from "./wire.ts";

type MessageListener = (data: unknown, buffers: Uint8Array[]) => void;
type CloseListener = (data: unknown) => void;
type TargetListener = (comm: SessionComm, data: unknown, buffers: Uint8Array[]) => void;

/** A channel to code in the page. */
export class SessionComm {
  readonly id: string;
  readonly target: string;
  readonly #comms: Comms;
  readonly messageListeners: MessageListener[] = [];
  readonly closeListeners: CloseListener[] = [];

  constructor(comms: Comms, id: string, target: string) {
    this.#comms = comms;
    this.id = id;
    this.target = target;
  }

  send(data: unknown, buffers: Uint8Array[] = [], metadata: Record<string, unknown> = {}): void {
    this.#comms.say("msg", this.id, data, metadata, buffers);
  }

  close(data: unknown = {}): void {
    this.#comms.forget(this.id);
    this.#comms.say("close", this.id, data, {}, []);
  }

  onMessage(listener: MessageListener): void {
    this.messageListeners.push(listener);
  }

  onClose(listener: CloseListener): void {
    this.closeListeners.push(listener);
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

  open(target: string, data: unknown, metadata: Record<string, unknown>, buffers: Uint8Array[]): SessionComm {
    const comm = new SessionComm(this, randomUUID(), target);
    this.#open.set(comm.id, comm);
    const id = this.#cells.here()?.id;
    emit({ type: "comm", event: "open", id, commId: comm.id, target, data: data ?? {}, metadata }, buffers);
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
    buffers: Uint8Array[],
  ): void {
    emit({ type: "comm", event, id: this.#cells.here()?.id, commId, data: data ?? {}, metadata }, buffers);
  }

  forget(commId: string): void {
    this.#open.delete(commId);
  }

  /** A comm message of the front end. What its listeners print belongs to that message. */
  receive(message: Extract<ToSession, { type: "comm" }>): void {
    try {
      this.#cells.beside(message.id, () => this.#dispatch(message));
    } finally {
      emit({ type: "commHandled", id: message.id });
    }
  }

  #dispatch(message: Extract<ToSession, { type: "comm" }>): void {
    if (message.event === "open") {
      const opened = this.#targets.get(message.target ?? "");
      if (!opened) {
        this.say("close", message.commId, {}, {}, []);
        return;
      }
      const comm = new SessionComm(this, message.commId, message.target ?? "");
      this.#open.set(comm.id, comm);
      opened(comm, message.data, message.buffers);
      return;
    }
    const comm = this.#open.get(message.commId);
    if (!comm) return;
    if (message.event === "close") {
      this.forget(comm.id);
      for (const listener of comm.closeListeners) listener(message.data);
    } else {
      for (const listener of comm.messageListeners) listener(message.data, message.buffers);
    }
  }
}
