import type { WebSocket } from "ws";
import type { JupyterMessage } from "../../../kernel/protocol/index.ts";
import { type ChannelMessage, encodeFrame } from "./wire.ts";

/** What is kept for clients that lost their connection, per client: messages, and bytes of them. The newest win. */
const maxKeptMessages = 20_000;
const maxKeptBytes = 64 * 2 ** 20;
/** Clients without a connection that a kernel remembers. */
const maxAbsent = 8;

/** What goes to the connected clients when the one that it is for is not. */
const inherited: ReadonlySet<string> = new Set(["input_request", "execute_reply"]);

interface Client {
  sessionId: string;
  /** Undefined while the client is away. */
  socket: WebSocket | undefined;
  /** The subprotocol of its last connection; a client that comes back speaks the same. */
  protocol: string;
  /** What it missed while it was away. */
  missed: Missed;
}

/**
 * The clients of one kernel by session id. Broadcasts go to all, replies to the one that asked; who is away gets what it
 * missed when it comes back.
 */
export class KernelClients {
  readonly #clients = new Map<string, Client>();
  /** Who sent the requests that are still open, by message id. */
  readonly #askers = new Map<string, string>();

  /** Number of open connections. */
  get connected(): number {
    let count = 0;
    for (const { socket } of this.#clients.values()) if (socket) count++;
    return count;
  }

  /** A client's connection opens; what it missed is sent first. */
  open(sessionId: string, socket: WebSocket): void {
    const known = this.#clients.get(sessionId);
    known?.socket?.close(1001, "Another connection of the same session took over");
    this.#clients.delete(sessionId);
    this.#clients.set(sessionId, { sessionId, socket, protocol: socket.protocol, missed: new Missed() });
    if (known?.protocol === socket.protocol) for (const frame of known.missed.frames) socket.send(frame);
  }

  /** A client's connection closed; from now on its messages are kept. */
  close(sessionId: string, socket: WebSocket): void {
    const client = this.#clients.get(sessionId);
    if (client?.socket !== socket) return;
    client.socket = undefined;
    const absent = [...this.#clients.values()].filter((each) => !each.socket);
    for (const { sessionId: old } of absent.slice(0, -maxAbsent)) this.#clients.delete(old);
  }

  /** Notes who asks, so that the reply finds the way back. */
  asked(sessionId: string, request: ChannelMessage): void {
    // Some messages, such as those of widgets, have no answer.
    if (request.header.msg_type.endsWith("_request")) this.#askers.set(request.header.msg_id, sessionId);
  }

  /** Hands a message of the kernel to whom it concerns. */
  deliver(message: JupyterMessage): void {
    const channel = message.channel ?? "iopub";
    const outgoing: ChannelMessage = { ...message, channel };
    const frames = new Map<string, string | Buffer>();
    if (channel === "iopub") {
      for (const client of this.#clients.values()) this.#send(client, outgoing, frames);
      return;
    }
    const parent = message.parent_header.msg_id ?? "";
    const asker = this.#clients.get(this.#askers.get(parent) ?? "");
    if (channel !== "stdin") this.#askers.delete(parent);
    if (asker) this.#send(asker, outgoing, frames);
    // A question must not wait for someone who is gone, and whoever shows the cell now has to hear how it ended.
    if (!asker?.socket && inherited.has(message.header.msg_type))
      for (const client of this.#clients.values()) if (client.socket) this.#send(client, outgoing, frames);
  }

  /** Sends a message to one client only. */
  tell(sessionId: string, message: ChannelMessage): void {
    const client = this.#clients.get(sessionId);
    if (client) this.#send(client, message, new Map());
  }

  /** Whether a client is connected, or may come back. */
  knows(sessionId: string): boolean {
    return this.#clients.has(sessionId);
  }

  /** Requests that a kernel took with it when it ended get no reply any more. */
  forgetRequests(): void {
    this.#askers.clear();
  }

  /** Closes all connections, because the kernel is gone for good. */
  closeAll(): void {
    for (const { socket } of this.#clients.values()) socket?.close(1000, "The kernel was shut down");
    this.#clients.clear();
    this.#askers.clear();
  }

  #send(client: Client, message: ChannelMessage, frames: Map<string, string | Buffer>): void {
    const { protocol } = client;
    let frame = frames.get(protocol);
    if (frame === undefined) {
      frame = encodeFrame(message, protocol);
      frames.set(protocol, frame);
    }
    if (client.socket) client.socket.send(frame);
    else client.missed.add(frame);
  }
}

/** The newest frames for a client that is away. */
class Missed {
  readonly frames: (string | Buffer)[] = [];
  #size = 0;

  add(frame: string | Buffer): void {
    this.frames.push(frame);
    this.#size += frame.length;
    while (this.frames.length > maxKeptMessages || this.#size > maxKeptBytes) this.#size -= this.frames.shift()!.length;
  }
}
