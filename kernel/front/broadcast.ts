import { XPublisher } from "zeromq";

/** Messages that may wait for one client; output is joined to messages of 64 kB at most, displays may be larger. */
const messagesPerClient = 500;
/** How long all clients wait for one that does not read, before it loses messages. */
const patienceMs = 10_000;
/** The same for every further message, until the client reads again. */
const shortPatienceMs = 20;
const retryMs = 4;
/** How long a kernel that ends tries to deliver its last messages; a client may be gone without a word. */
const lingerMs = 1000;
/** Bytes that may wait to be sent before the session is held up, and after which it goes on. */
const fullBytes = 8_000_000;
const drainedBytes = 2_000_000;
/** Bytes of messages that are kept while nobody listens; the oldest make room. */
const heldBytes = 64_000_000;

const sizeOf = (frames: readonly Uint8Array[]): number => frames.reduce((sum, frame) => sum + frame.length, 0);

interface Held {
  messages: Uint8Array[][];
  bytes: number;
}

/**
 * The socket that broadcasts. Nothing is lost for a client that reads: who produces faster than clients read is told to
 * wait. A client that has stopped reading holds up the others for ten seconds at most; then it loses messages.
 */
export class Broadcast {
  readonly socket = new XPublisher({ sendHighWaterMark: messagesPerClient, noDrop: true, linger: lingerMs });
  readonly #backlog: (isFull: boolean) => void;
  #tail: Promise<void> = Promise.resolve();
  #bytes = 0;
  #isFull = false;
  #patienceMs = patienceMs;
  /** Messages wait for the first listener: one that ZeroMQ has let in before we hear of it is to be welcomed first. */
  #held: Held | undefined = { messages: [], bytes: 0 };

  /** @param backlog told when more waits than should, and when that is over. */
  constructor(backlog: (isFull: boolean) => void) {
    this.#backlog = backlog;
  }

  /** Nobody listens any more: messages are kept for who comes next. */
  hold(): void {
    this.#held ??= { messages: [], bytes: 0 };
  }

  /** Somebody listens: the welcome is sent, then what was kept. */
  release(welcome: Uint8Array[]): void {
    const messages = this.#held?.messages ?? [];
    this.#held = undefined;
    for (const frames of [welcome, ...messages]) this.send(frames);
  }

  /** Queues a multipart message. */
  send(frames: Uint8Array[]): void {
    if (this.#held) {
      this.#keep(this.#held, frames);
      return;
    }
    const size = sizeOf(frames);
    this.#count(size);
    this.#tail = this.#tail
      .then(() => this.#transmit(frames))
      .catch((error: Error) => console.error(`cirlab kernel: a message was not sent: ${error.message}`))
      .then(() => this.#count(-size));
  }

  /** Settles when everything queued so far was handed to ZeroMQ; nobody is waited for long any more. */
  flushed(): Promise<void> {
    this.#patienceMs = shortPatienceMs;
    return this.#tail;
  }

  #keep(held: Held, frames: Uint8Array[]): void {
    held.messages.push(frames);
    held.bytes += sizeOf(frames);
    while (held.bytes > heldBytes) held.bytes -= sizeOf(held.messages.shift()!);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#isFull ? this.#bytes > drainedBytes : this.#bytes < fullBytes) return;
    this.#isFull = !this.#isFull;
    this.#backlog(this.#isFull);
  }

  async #transmit(frames: Uint8Array[]): Promise<void> {
    const start = Date.now();
    for (let tries = 0; !this.socket.closed; tries++) {
      if (await this.#attempt(frames)) {
        if (tries === 0) this.#patienceMs = patienceMs;
        return;
      }
      if (Date.now() - start < this.#patienceMs) {
        await new Promise((resolve) => setTimeout(resolve, retryMs));
        continue;
      }
      this.#patienceMs = shortPatienceMs;
      this.socket.noDrop = false;
      await this.#attempt(frames);
      this.socket.noDrop = true;
      return;
    }
  }

  /** Returns false if a client has no room for the message; then no client has got it. */
  async #attempt(frames: Uint8Array[]): Promise<boolean> {
    try {
      await this.socket.send(frames);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
      throw error;
    }
  }
}
