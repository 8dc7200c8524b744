import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { Router } from "zeromq";
import { address, type ConnectionInfo, type SocketName } from "../protocol/connection.ts";
import { createMessage, decodeMessage, encodeMessage, type JupyterMessage } from "../protocol/messages.ts";
import { SendQueue } from "../protocol/sendQueue.ts";
import { Broadcast } from "./broadcast.ts";

export type RequestSocket = "shell" | "control" | "stdin";

/** A request with what is needed to answer it. */
export interface Request {
  message: JupyterMessage;
  socket: RequestSocket;
  identities: Uint8Array[];
}

export interface PublishOptions {
  metadata?: Record<string, unknown>;
  buffers?: Uint8Array[];
}

/** How long a kernel that ends tries to deliver its last messages; a client may be gone without a word. */
const lingerMs = 1000;
/** Another program that looks for free ports may hold one of ours for a moment. */
const bindPatienceMs = 3000;

/** The kernel's five sockets. */
export class Sockets {
  /** Known once the sockets are open: a spare kernel waits for it. */
  #connection: ConnectionInfo | undefined;
  readonly #session = randomUUID();
  readonly #routers: Record<RequestSocket, Router>;
  readonly #heartbeat = new Router({ sendHighWaterMark: 0, linger: 0 });
  readonly #broadcast: Broadcast;
  readonly #queues: Record<RequestSocket | "hb", SendQueue>;
  #complained = false;
  #holdsUnheard = false;
  #heard = 0;

  /** @param backlog told when more broadcasts wait to be sent than should, and when that is over. */
  constructor(backlog: (isFull: boolean) => void) {
    this.#broadcast = new Broadcast(backlog);
    const router = () => new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: lingerMs });
    this.#routers = { shell: router(), control: router(), stdin: router() };
    this.#queues = {
      shell: new SendQueue(this.#routers.shell),
      control: new SendQueue(this.#routers.control),
      stdin: new SendQueue(this.#routers.stdin),
      hb: new SendQueue(this.#heartbeat),
    };
  }

  /** Counts signs of life from clients: requests and heartbeats. */
  get heard(): number {
    return this.#heard;
  }

  /** From now on broadcasts that nobody hears are kept for the next client. */
  holdUnheard(): void {
    this.#holdsUnheard = true;
  }

  /** Binds all sockets and calls `received` for every well-formed, rightly signed message. */
  async open(connection: ConnectionInfo, received: (request: Request) => void): Promise<void> {
    this.#connection = connection;
    const at = (name: SocketName) => address(connection, name);
    const sockets = { iopub: this.#broadcast.socket, ...this.#routers, hb: this.#heartbeat };
    const deadline = performance.now() + bindPatienceMs;
    for (const name of ["iopub", "shell", "control", "stdin", "hb"] as const)
      for (let isBound = false; !isBound; )
        try {
          await sockets[name].bind(at(name));
          isBound = true;
        } catch (error) {
          const { code, message } = error as NodeJS.ErrnoException;
          if (code === "EADDRINUSE" && performance.now() < deadline) await wait(50);
          else {
            const hint = "Another kernel may run with the same connection file.";
            throw new Error(`Cannot listen on ${at(name)} (${name}): ${message}. ${hint}`);
          }
        }
    for (const name of ["shell", "control", "stdin"] as const) void this.#read(connection, name, received);
    void this.#echoHeartbeat();
    void this.#welcomeSubscribers(connection);
  }

  /** Broadcasts a message; before the sockets are open there is nobody to hear it. */
  publish(
    msgType: string,
    content: Record<string, unknown>,
    parent: JupyterMessage | undefined,
    options: PublishOptions = {},
  ): void {
    if (!this.#connection) return;
    const message = createMessage(msgType, content, { session: this.#session, username: "kernel", parent, ...options });
    const topic = Buffer.from(`kernel.${this.#session}.${msgType}`);
    this.#broadcast.send(encodeMessage(message, this.#connection, [topic]));
  }

  /** Answers a request on the socket that it came from (an input request goes to the same client's stdin). */
  reply(
    request: Request,
    msgType: string,
    content: Record<string, unknown>,
    options: PublishOptions & { socket?: RequestSocket } = {},
  ): void {
    if (!this.#connection) return;
    const { socket = request.socket, ...rest } = options;
    const message = createMessage(msgType, content, {
      session: this.#session,
      username: "kernel",
      parent: request.message,
      ...rest,
    });
    void this.#queues[socket].send(encodeMessage(message, this.#connection, request.identities));
  }

  /** Sends what is queued and closes all sockets. */
  async close(): Promise<void> {
    await Promise.all([this.#broadcast, ...Object.values(this.#queues)].map((queue) => queue.flushed()));
    for (const socket of [...Object.values(this.#routers), this.#broadcast.socket, this.#heartbeat]) socket.close();
  }

  async #read(connection: ConnectionInfo, socket: RequestSocket, received: (request: Request) => void): Promise<void> {
    for await (const frames of this.#routers[socket]) {
      const decoded = decodeMessage(frames, connection);
      this.#heard++;
      if (decoded) received({ ...decoded, socket });
      else this.#complain(socket);
    }
  }

  #complain(socket: RequestSocket): void {
    if (this.#complained) return;
    this.#complained = true;
    console.error(`cirlab kernel: ignored a malformed or wrongly signed message on ${socket} (told once).`);
  }

  async #echoHeartbeat(): Promise<void> {
    for await (const frames of this.#heartbeat) {
      this.#heard++;
      void this.#queues.hb.send(frames);
    }
  }

  /** Protocol 5.4: a new subscriber is told when its subscription holds. */
  async #welcomeSubscribers(connection: ConnectionInfo): Promise<void> {
    for await (const [event] of this.#broadcast.socket) {
      const topic = event!.subarray(1);
      // The last one that listened to everything is gone; a server that comes back wants to know what it missed.
      if (event![0] === 0 && topic.length === 0 && this.#holdsUnheard) this.#broadcast.hold();
      if (event![0] !== 1) continue;
      const message = createMessage(
        "iopub_welcome",
        { subscription: topic.toString() },
        { session: this.#session, username: "kernel" },
      );
      this.#broadcast.release(encodeMessage(message, connection, [topic]));
    }
  }
}
