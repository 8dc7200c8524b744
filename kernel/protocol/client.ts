import { randomUUID } from "node:crypto";
import { Dealer, Subscriber } from "zeromq";
import { address, type ConnectionInfo, type SocketName } from "./connection.ts";
import { type Channel, createMessage, decodeMessage, encodeMessage, type JupyterMessage } from "./messages.ts";
import { SendQueue } from "./sendQueue.ts";

type RequestChannel = "shell" | "control" | "stdin";

export interface RequestOptions {
  metadata?: Record<string, unknown>;
  buffers?: Uint8Array[];
  /** Rejects after this long; unlimited by default. */
  timeoutMs?: number;
}

/** A kernel that starts is not there yet: how often a socket tries again, in milliseconds (ZeroMQ's default is 100). */
const quickly = { reconnectInterval: 10 };

/**
 * A client of a running kernel. Sockets connect at once and wait for the kernel to bind, so a client may be made before
 * the kernel listens.
 *
 * @example
 * const client = new KernelClient(connection);
 * await client.ready();
 * const reply = await client.request("shell", "execute_request", { code: "1 + 1", ... });
 */
export class KernelClient {
  readonly connection: ConnectionInfo;
  /** Session id in the headers of this client's messages. */
  readonly session: string;
  readonly #sockets: Record<RequestChannel, Dealer>;
  readonly #queues: Record<RequestChannel, SendQueue>;
  readonly #iopub: Subscriber;
  readonly #heartbeat: Dealer;
  readonly #heartbeatQueue: SendQueue;
  readonly #listeners = new Set<(message: JupyterMessage) => void>();
  readonly #pending = new Map<string, (reply: JupyterMessage | Error) => void>();
  readonly #beats = new Map<string, () => void>();
  #closed = false;

  constructor(connection: ConnectionInfo, options: { session?: string } = {}) {
    this.connection = connection;
    this.session = options.session ?? randomUUID();
    // A kernel sends input requests to the identity that asked to execute: shell and stdin must share it.
    const routingId = this.session;
    const dealer = (name: SocketName) => {
      const socket = new Dealer({ ...quickly, routingId, linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0 });
      socket.connect(address(connection, name));
      return socket;
    };
    this.#sockets = { shell: dealer("shell"), control: dealer("control"), stdin: dealer("stdin") };
    this.#queues = {
      shell: new SendQueue(this.#sockets.shell),
      control: new SendQueue(this.#sockets.control),
      stdin: new SendQueue(this.#sockets.stdin),
    };
    this.#heartbeat = dealer("hb");
    this.#heartbeatQueue = new SendQueue(this.#heartbeat);
    this.#iopub = new Subscriber({ ...quickly, linger: 0, receiveHighWaterMark: 0 });
    this.#iopub.connect(address(connection, "iopub"));
    this.#iopub.subscribe();
    for (const name of ["shell", "control", "stdin"] as const) void this.#read(name, this.#sockets[name]);
    void this.#read("iopub", this.#iopub);
    void this.#readHeartbeat();
  }

  /** Sends a message as it is. */
  send(channel: RequestChannel, message: JupyterMessage): Promise<void> {
    return this.#queues[channel].send(encodeMessage(message, this.connection));
  }

  /** A new message of this client's session. */
  message(msgType: string, content: Record<string, unknown>, options: RequestOptions = {}): JupyterMessage {
    return createMessage(msgType, content, {
      session: this.session,
      ...(options.metadata ? { metadata: options.metadata } : {}),
      ...(options.buffers ? { buffers: options.buffers } : {}),
    });
  }

  /** Sends a new request and waits for its reply. */
  request(
    channel: RequestChannel,
    msgType: string,
    content: Record<string, unknown> = {},
    options: RequestOptions = {},
  ): Promise<JupyterMessage> {
    return this.ask(channel, this.message(msgType, content, options), options.timeoutMs);
  }

  /** Sends a prepared request and waits for its reply. */
  ask(channel: RequestChannel, message: JupyterMessage, timeoutMs?: number): Promise<JupyterMessage> {
    const id = message.header.msg_id;
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Error("The kernel client is closed."));
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(
              () => settle(new Error(`No reply to ${message.header.msg_type} within ${timeoutMs} ms.`)),
              timeoutMs,
            );
      const settle = (reply: JupyterMessage | Error) => {
        clearTimeout(timer);
        this.#pending.delete(id);
        if (reply instanceof Error) reject(reply);
        else resolve(reply);
      };
      this.#pending.set(id, settle);
      this.send(channel, message).catch(settle);
    });
  }

  /** Calls `listener` for every message of every channel; returns how to stop. */
  onMessage(listener: (message: JupyterMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Waits until the kernel answers and its broadcasts arrive here: a subscription takes a moment to reach the kernel,
   * and what it says before that is lost to this client. Returns the content of its kernel_info_reply.
   *
   * @param channel where to ask: kernels that run a cell may answer on the control channel only.
   */
  async ready(timeoutMs = 60_000, channel: "shell" | "control" = "shell"): Promise<Record<string, unknown>> {
    const deadline = Date.now() + timeoutMs;
    let heard: (() => void) | undefined;
    const broadcast = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const stop = this.onMessage((message) => {
      if (message.channel === "iopub") heard?.();
    });
    try {
      for (;;) {
        const left = deadline - Date.now();
        if (left <= 0) throw new Error(`The kernel did not answer within ${timeoutMs} ms.`);
        const reply = await this.request(channel, "kernel_info_request", {}, { timeoutMs: left });
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<"late">((resolve) => {
          timer = setTimeout(() => resolve("late"), Math.min(500, left));
        });
        const outcome = await Promise.race([broadcast, late]);
        clearTimeout(timer);
        if (outcome !== "late") return reply.content;
      }
    } finally {
      stop();
    }
  }

  /** True when the heartbeat comes back in time. */
  ping(timeoutMs = 1000): Promise<boolean> {
    const id = randomUUID();
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), timeoutMs);
      const done = (alive: boolean) => {
        clearTimeout(timer);
        this.#beats.delete(id);
        resolve(alive);
      };
      this.#beats.set(id, () => done(true));
      this.#heartbeatQueue.send([Buffer.alloc(0), Buffer.from(id)]).catch(() => done(false));
    });
  }

  /** Closes all sockets; waiting requests are rejected. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of [...Object.values(this.#sockets), this.#iopub, this.#heartbeat]) socket.close();
    for (const settle of [...this.#pending.values()]) settle(new Error("The kernel client was closed."));
    this.#listeners.clear();
  }

  async #read(channel: Channel, socket: AsyncIterable<Uint8Array[]>): Promise<void> {
    for await (const frames of socket) {
      const received = decodeMessage(frames, this.connection);
      if (!received) continue;
      const message = { ...received.message, channel };
      for (const listener of [...this.#listeners]) listener(message);
      const parent = message.parent_header.msg_id;
      if (channel !== "iopub" && parent && message.header.msg_type.endsWith("_reply")) {
        this.#pending.get(parent)?.(message);
      }
    }
  }

  async #readHeartbeat(): Promise<void> {
    for await (const frames of this.#heartbeat) this.#beats.get(Buffer.from(frames.at(-1)!).toString())?.();
  }
}
