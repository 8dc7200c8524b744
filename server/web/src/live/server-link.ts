import { PageConfig, URLExt } from "@jupyterlab/coreutils";
import { Signal } from "@lumino/signaling";
import { io, type Socket } from "socket.io-client";
import type { CommandReply, RunListing, RunUpdate, Subscription } from "../../../../src/live/messages.ts";
import type { CommandInput } from "../../../../src/recording/messages.ts";
import type { RunLink } from "./run-link.ts";

/** The server answers at once; without a connection nobody does. */
const answerWithinMs = 10_000;

/** The live channel of the server that the page came from; after a lost connection it connects again by itself. */
export class ServerLink implements RunLink {
  readonly changed = new Signal<this, void>(this);
  readonly updated = new Signal<this, RunUpdate>(this);
  readonly listed = new Signal<this, readonly RunListing[]>(this);
  readonly isLate = false;
  #socket: Socket | undefined;

  get trouble(): string | undefined {
    return this.#socket?.connected ? undefined : "no connection to the server";
  }

  open(): void {
    if (this.#socket) return;
    const base = new URL(PageConfig.getBaseUrl(), location.href);
    const socket = io(base.origin, { path: URLExt.join(base.pathname, "socket.io"), withCredentials: true });
    this.#socket = socket;
    socket.on("connect", () => this.changed.emit());
    socket.on("disconnect", () => this.changed.emit());
    socket.on("update", (update: RunUpdate) => this.updated.emit(update));
    socket.on("runs", ({ runs }: { runs: RunListing[] }) => this.listed.emit(runs));
  }

  wake(): void {
    this.open();
  }

  subscribe(to: string | Subscription): void {
    this.#socket?.emit("subscribe", to);
  }

  unsubscribe(runId: string): void {
    this.#socket?.emit("unsubscribe", runId);
  }

  async command(runId: string, command: CommandInput): Promise<CommandReply> {
    if (!this.#socket?.connected) throw new Error("The page has no connection to the server.");
    const xsrf = /(?:^|;\s*)_xsrf=([^;]*)/.exec(document.cookie)?.[1];
    const message = { runId, command, ...(xsrf !== undefined && { xsrf: decodeURIComponent(xsrf) }) };
    return (await this.#socket.timeout(answerWithinMs).emitWithAck("command", message)) as CommandReply;
  }
}
