import { Signal } from "@lumino/signaling";
import { allRuns, type RunListing, type RunUpdate } from "../../../../src/live/messages.ts";
import type { CommandInput } from "../../../../src/recording/messages.ts";
import type { RunLink } from "./run-link.ts";
import { RunSeries } from "./run-series.ts";

const isTrained = ({ state }: RunListing): boolean => state === "running" || state === "paused";

/** What the page knows of runs, whoever shows them; after a lost connection it goes on where it was. */
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
  /** Whether a run trained when it was listed last. */
  readonly #wasTrained = new Map<string, boolean>();
  #watchesList = false;
  #hasListed = false;
  #link: RunLink | undefined;

  /** Why there is no connection, in a few words; undefined while there is one. */
  get trouble(): string | undefined {
    return this.#link ? this.#link.trouble : "no connection";
  }

  get isConnected(): boolean {
    return this.trouble === undefined;
  }

  /** What the page hears of runs over; to be said once. */
  use(link: RunLink): void {
    this.#link = link;
    link.changed.connect(() => {
      if (this.isConnected) {
        if (this.#watchesList) link.subscribe(allRuns);
        for (const runId of this.#followers.keys()) this.#subscribe(this.#runs.get(runId)!);
      }
      this.connection.emit();
    });
    link.updated.connect((_, update) => this.#update(update));
    link.listed.connect((_, runs) => this.#relist(runs));
    if (this.#watchesList || this.#followers.size) link.open();
  }

  /** Somebody looks at runs. */
  wake(): void {
    this.#link?.wake();
  }

  /** Follows the list of runs. */
  watchList(): void {
    if (this.#watchesList) return;
    this.#watchesList = true;
    this.#link?.open();
    if (this.isConnected) this.#link!.subscribe(allRuns);
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
    this.#link?.open();
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
    if (this.isConnected) this.#link!.unsubscribe(runId);
  }

  /**
   * Gives a command to a run's training, which answers it with an event of that id once it comes to it.
   *
   * @throws Error with the reason for which it was not given.
   */
  async command(runId: string, command: CommandInput): Promise<string> {
    if (!this.#link) throw new Error("The page has no connection.");
    const reply = await this.#link.command(runId, command);
    if ("error" in reply) throw new Error(reply.error);
    return reply.id;
  }

  #subscribe({ id, seq }: RunSeries): void {
    this.#link!.subscribe({ runId: id, after: seq });
  }

  #update(update: RunUpdate): void {
    const run = this.#runs.get(update.runId);
    if (!run || !this.#followers.has(run.id)) return;
    if (run.apply(update)) return;
    // Something is missing in between: from where we are, once more.
    this.#link!.unsubscribe(run.id);
    this.#subscribe(run);
  }

  #relist(runs: readonly RunListing[]): void {
    const isNews = this.#hasListed || this.#link!.isLate;
    this.#hasListed = true;
    this.list = runs;
    this.listChanged.emit();
    for (const run of runs) {
      const begins = isTrained(run) && !this.#wasTrained.get(run.runId);
      this.#wasTrained.set(run.runId, isTrained(run));
      if (begins && isNews) this.started.emit(run);
    }
  }
}

/** Shared by the panel and by the views under cells. */
export const runChannel = new RunChannel();
