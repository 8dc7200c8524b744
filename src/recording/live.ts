import { setTimeout } from "node:timers";
import type { Socket } from "socket.io-client";
import type { LiveEventMessage } from "./messages.ts";

export interface LivePublisherOptions {
  /** The server's address, for example `http://127.0.0.1:8888`. */
  url: string;
  token: string;
  /** Events that may wait for the connection; beyond, events are dropped from the channel. Default 1000. */
  maxWaiting?: number;
  /** Told once, of the first failure. Default: a line on standard error. */
  onTrouble?: (message: string) => void;
}

/**
 * Sends recorded events to the live channel, so that pages can follow a run. The recording is the truth: nothing here
 * ever blocks or fails a training. Without a connection events wait, and what does not fit is left out.
 */
export class LivePublisher {
  /** Failed attempts to connect. */
  failures = 0;
  /** Events that were left out of the channel. */
  dropped = 0;
  readonly #options: LivePublisherOptions;
  readonly #maxWaiting: number;
  /** Events from before the client was loaded. */
  #early: LiveEventMessage[] = [];
  #socket: Socket | undefined;
  #loading: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: LivePublisherOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? 1000;
  }

  /** Events that are not on their way yet. */
  get waiting(): number {
    const socket = this.#socket;
    const inEngine = socket?.connected ? socket.io.engine.writeBuffer.length : 0;
    return this.#early.length + (socket?.sendBuffer.length ?? 0) + inEngine;
  }

  publish(message: LiveEventMessage): void {
    if (this.#isClosed) return;
    // Steps are many and alike: the other half of the room is for events that come once.
    const limit = message.event.type === "step" ? this.#maxWaiting / 2 : this.#maxWaiting;
    if (this.waiting >= limit) this.dropped++;
    else if (this.#socket) this.#socket.emit("publish", message);
    else this.#early.push(message);
    this.#loading ??= this.#connect();
  }

  /** Waits until all is sent, the time is up, or there is nobody to send to. @returns whether all is sent. */
  async flush(timeoutMs = 2000): Promise<boolean> {
    const end = performance.now() + timeoutMs;
    await this.#loading;
    const isHopeless = () => this.#isClosed || (this.failures > 0 && !this.#socket?.connected);
    while (this.waiting > 0 && !isHopeless() && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 10));
    return this.waiting === 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.disconnect();
  }

  async #connect(): Promise<void> {
    try {
      const { io } = await import("socket.io-client");
      const { url, token } = this.#options;
      const socket = io(url, {
        auth: { token, role: "publisher" },
        transports: ["websocket"],
        // The connection must not keep a finished process alive.
        autoUnref: true,
      });
      socket.on("connect_error", (error) => this.#trouble(error));
      for (const message of this.#early) socket.emit("publish", message);
      this.#early = [];
      this.#socket = socket;
      if (this.#isClosed) socket.disconnect();
    } catch (error) {
      this.#trouble(error as Error);
    }
  }

  #trouble(error: Error): void {
    this.failures++;
    if (this.failures > 1) return;
    const { onTrouble = (message) => console.warn(message) } = this.#options;
    onTrouble(`The live view is not connected (${error.message}). The run goes on and is recorded in its folder.`);
  }
}

let shared: LivePublisher | null | undefined;

/** The publisher of this process: one if the server that started it gave it `CIRLAB_LIVE_URL` and `CIRLAB_LIVE_TOKEN`. */
export function livePublisher(): LivePublisher | undefined {
  if (shared === undefined) {
    const { CIRLAB_LIVE_URL: url, CIRLAB_LIVE_TOKEN: token } = process.env;
    shared = url && token ? new LivePublisher({ url, token }) : null;
  }
  return shared ?? undefined;
}
