import { PageConfig, URLExt } from "@jupyterlab/coreutils";
import { Signal } from "@lumino/signaling";
import { io, type Socket } from "socket.io-client";
import type { LiveEventMessage, LiveHistoryMessage } from "../../../../src/recording/messages.ts";
import { RunSeries } from "./run-series.ts";

/**
 * The page's one connection to the live channel. It opens with the first subscription, and after a lost connection it
 * subscribes again to the same runs, whose whole history the server then sends.
 */
export class RunChannel {
  /** Runs in the order in which they were first heard of. */
  readonly runs = new Map<string, RunSeries>();
  /** A run has just begun, or goes on. */
  readonly started = new Signal<this, RunSeries>(this);
  /** A run was added to `runs`. */
  readonly added = new Signal<this, RunSeries>(this);
  readonly #topics = new Set<string>();
  #socket: Socket | undefined;

  /** Follows a run, or with `"*"` all that train now and all that start later. */
  subscribe(topic: string): void {
    if (this.#topics.has(topic)) return;
    this.#topics.add(topic);
    this.#socket ??= this.#connect();
    if (this.#socket.connected) this.#socket.emit("subscribe", topic);
  }

  run(id: string): RunSeries {
    let run = this.runs.get(id);
    if (!run) {
      run = new RunSeries(id);
      this.runs.set(id, run);
      this.added.emit(run);
    }
    return run;
  }

  #connect(): Socket {
    const base = new URL(PageConfig.getBaseUrl(), location.href);
    const socket = io(base.origin, { path: URLExt.join(base.pathname, "socket.io"), withCredentials: true });
    socket.on("connect", () => {
      for (const topic of this.#topics) socket.emit("subscribe", topic);
    });
    socket.on("history", ({ runId, events }: LiveHistoryMessage) => this.run(runId).restart(events));
    socket.on("event", ({ runId, event }: LiveEventMessage) => {
      const run = this.run(runId);
      run.add(event);
      if (event.type === "run-started") this.started.emit(run);
    });
    return socket;
  }
}

/** Shared by the panel and by the charts under cells. */
export const runChannel = new RunChannel();
