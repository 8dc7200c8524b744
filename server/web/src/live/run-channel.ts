import { PageConfig, URLExt } from "@jupyterlab/coreutils";
import { Signal } from "@lumino/signaling";
import { io, type Socket } from "socket.io-client";
import type { CommandReply, RunListing, RunUpdate, Subscription } from "../../../../server/live/messages.ts";
import type { CommandInput } from "../../../../src/recording/messages.ts";
import { RunSeries } from "./run-series.ts";

/** The list's topic on the channel. */
const allRuns = "*";
/** The server answers at once; without a connection nobody does. */
const answerWithinMs = 10_000;

/**
 * The page's one connection to the live channel. It opens with the first run that is followed; after a lost connection
 * it goes on where it was.
 */
export class RunChannel {
  /** The runs on disk, newest first; empty until somebody watches the list. */
  list: readonly RunListing[] = [];
  readonly listChanged = new Signal<this, void>(this);
  /** A run has begun to train, or goes on. */
  readonly started = new Signal<this, RunListing>(this);
  /** The connection was made or lost. */
  readonly connection = new Signal<this, void>(this);
  readonly #runs = new Map<string, RunSeries>();
  /** How many follow a run. */
  readonly #followers = new Map<string, number>();
  #watchesList = false;
  #socket: Socket | undefined;

  get isConnected(): boolean {
    return this.#socket?.connected ?? false;
  }

  /** Follows the list of runs. */
  watchList(): void {
    if (this.#watchesList) return;
    this.#watchesList = true;
    this.#connect();
    if (this.isConnected) this.#socket!.emit("subscribe", allRuns);
  }

  /** Follows a run until as many have called `leave`. */
  follow(runId: string): RunSeries {
    const followers = this.#followers.get(runId) ?? 0;
    this.#followers.set(runId, followers + 1);
    let run = this.#runs.get(runId);
    if (!run) {
      run = new RunSeries(runId);
      this.#runs.set(runId, run);
    }
    this.#connect();
    if (followers === 0 && this.isConnected) this.#subscribe(run);
    return run;
  }

  /** Whether the page shows the run, under a cell or in the panel. */
  isFollowed(runId: string): boolean {
    return this.#followers.has(runId);
  }

  leave(runId: string): void {
    const followers = (this.#followers.get(runId) ?? 0) - 1;
    if (followers > 0) {
      this.#followers.set(runId, followers);
      return;
    }
    this.#followers.delete(runId);
    if (this.isConnected) this.#socket!.emit("unsubscribe", runId);
  }

  /**
   * Gives a command to a run's training, which answers it with an event of that id once it comes to it.
   *
   * @throws Error with the server's reason.
   */
  async command(runId: string, command: CommandInput): Promise<string> {
    if (!this.isConnected) throw new Error("The page has no connection to the server.");
    const xsrf = /(?:^|;\s*)_xsrf=([^;]*)/.exec(document.cookie)?.[1];
    const message = { runId, command, ...(xsrf !== undefined && { xsrf: decodeURIComponent(xsrf) }) };
    const reply = (await this.#socket!.timeout(answerWithinMs).emitWithAck("command", message)) as CommandReply;
    if ("error" in reply) throw new Error(reply.error);
    return reply.id;
  }

  #connect(): void {
    if (this.#socket) return;
    const base = new URL(PageConfig.getBaseUrl(), location.href);
    const socket = io(base.origin, { path: URLExt.join(base.pathname, "socket.io"), withCredentials: true });
    this.#socket = socket;
    socket.on("connect", () => {
      if (this.#watchesList) socket.emit("subscribe", allRuns);
      for (const runId of this.#followers.keys()) this.#subscribe(this.#runs.get(runId)!);
      this.connection.emit();
    });
    socket.on("disconnect", () => this.connection.emit());
    socket.on("update", (update: RunUpdate) => this.#update(update));
    socket.on("runs", ({ runs }: { runs: RunListing[] }) => this.#relist(runs));
  }

  #subscribe({ id, seq }: RunSeries): void {
    const subscription: Subscription = { runId: id, after: seq };
    this.#socket!.emit("subscribe", subscription);
  }

  #update(update: RunUpdate): void {
    const run = this.#runs.get(update.runId);
    if (!run || !this.#followers.has(run.id)) return;
    if (run.apply(update)) return;
    // Something is missing in between: from where we are, once more.
    this.#socket!.emit("unsubscribe", run.id);
    this.#subscribe(run);
  }

  #relist(runs: readonly RunListing[]): void {
    const isTrained = ({ state }: RunListing) => state === "running" || state === "paused";
    const before = new Set(this.list.filter(isTrained).map(({ runId }) => runId));
    const isFirst = this.list.length === 0 && before.size === 0 && !this.#hasListed;
    this.#hasListed = true;
    this.list = runs;
    this.listChanged.emit();
    if (!isFirst) for (const run of runs) if (isTrained(run) && !before.has(run.runId)) this.started.emit(run);
  }

  #hasListed = false;
}

/** Shared by the panel and by the views under cells. */
export const runChannel = new RunChannel();
