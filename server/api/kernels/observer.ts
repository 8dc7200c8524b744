import type { JupyterMessage } from "../../../kernel/protocol/index.ts";
import type { ChannelMessage } from "./wire.ts";

/** Learns what passes between a kernel and its clients. */
export interface KernelObserver {
  /** Takes a client's message that is for the server itself. Returns false when it is for the kernel. */
  intercepts(clientId: string, message: ChannelMessage): boolean;
  /** A client's message, just before the kernel gets it. */
  sent(clientId: string, message: ChannelMessage): void;
  /** A message of the kernel, just before its clients get it. */
  received(message: JupyterMessage): void;
  /** A client's connection closed. */
  left(): void;
  /** A process was started or taken up. */
  lives(): void;
  /** The process is gone; the kernel may start anew. */
  ended(): void;
  /** The kernel was taken up from an earlier server, and what that one had asked for is over. */
  caughtUp(): void;
  /** The kernel is gone for good, or left to another server. */
  closed(): Promise<void>;
}
