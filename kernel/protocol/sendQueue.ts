/** What of a ZeroMQ socket the queue needs. */
export interface Sender {
  readonly closed: boolean;
  send(frames: Uint8Array[]): Promise<void>;
}

/** Sends one after the other: zeromq.js refuses a send while another is under way. */
export class SendQueue {
  readonly #socket: Sender;
  #tail: Promise<void> = Promise.resolve();

  constructor(socket: Sender) {
    this.#socket = socket;
  }

  /** Queues a multipart message; settles when it was handed to ZeroMQ (or the socket was closed meanwhile). */
  send(frames: Uint8Array[]): Promise<void> {
    const sent = this.#tail.then(async () => {
      if (!this.#socket.closed) await this.#socket.send(frames);
    });
    this.#tail = sent.catch(() => undefined);
    return sent;
  }

  /** Settles when everything queued so far was sent. */
  flushed(): Promise<void> {
    return this.#tail;
  }
}
