import type { JupyterMessage } from "../protocol/messages.ts";
import type { Sockets } from "./sockets.ts";

/** Text waits this long for more of its kind, so that ten thousand prints are a few messages. */
const coalesceMs = 20;
const maxText = 65_536;

interface Pending {
  name: "stdout" | "stderr";
  parent: JupyterMessage | undefined;
  texts: string[];
  size: number;
  timer: NodeJS.Timeout;
}

/** Broadcasts what cells put out, in order, with neighbouring pieces of a stream joined. */
export class Outputs {
  readonly #sockets: Sockets;
  #pending: Pending | undefined;

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
  }

  stream(name: "stdout" | "stderr", text: string, parent: JupyterMessage | undefined): void {
    const pending = this.#pending;
    if (pending && (pending.name !== name || pending.parent !== parent || pending.size > maxText)) this.flush();
    this.#pending ??= {
      name,
      parent,
      texts: [],
      size: 0,
      timer: setTimeout(() => this.flush(), coalesceMs),
    };
    this.#pending.texts.push(text);
    this.#pending.size += text.length;
  }

  /** Broadcasts another message after all text before it. */
  publish(
    msgType: string,
    content: Record<string, unknown>,
    parent: JupyterMessage | undefined,
    options: { metadata?: Record<string, unknown>; buffers?: Uint8Array[] } = {},
  ): void {
    this.flush();
    this.#sockets.publish(msgType, content, parent, options);
  }

  flush(): void {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = undefined;
    clearTimeout(pending.timer);
    this.#sockets.publish("stream", { name: pending.name, text: pending.texts.join("") }, pending.parent);
  }
}
