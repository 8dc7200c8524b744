import { clearInterval, setInterval } from "node:timers";
import { z } from "zod";
import { RunFeed } from "./feed.ts";
import { Glances } from "./glance.ts";
import { type FoundRun, RunLibrary } from "./library.ts";
import { allRuns, type RunListing } from "./messages.ts";
import { Orders } from "./orders.ts";
import type { Reader } from "./reader.ts";

const listEveryMs = 2_000;
/** Runs that the list holds, the newest. */
const maxListed = 500;
/** Runs that are kept in memory after their last reader has left, for whoever comes back. */
const keptFeeds = 8;

const runId = z.string().min(1).max(200);
const publication = z.object({
  runId,
  folder: z.string().min(1).max(4096),
  event: z.looseObject({ type: z.string() }),
});
const subscription = z.union([
  runId.transform((id) => ({ runId: id, after: -1 })),
  z.object({ runId, after: z.int().min(-1).default(-1) }),
]);

/**
 * The runs on disk for whoever follows them: it reads the recordings as they grow, whoever trains them, and tells its
 * readers. Who records something may also say so, so that nothing waits for a look at the disk. Over what its readers are
 * reached it does not know.
 */
export class LiveRuns {
  readonly #library: RunLibrary;
  readonly #points: number;
  readonly #glances = new Glances();
  readonly #feeds = new Map<string, Promise<RunFeed>>();
  readonly #readers = new Set<Reader>();
  #listed = "";
  #list: RunListing[] = [];
  #listing: Promise<void> | undefined;
  readonly #listTimer: NodeJS.Timeout;

  /**
   * @param root absolute path of the folder below which runs are looked for.
   * @param points about how many points of a metric a reader gets who begins with a run. Default 1500.
   */
  constructor(root: string, points = 1_500) {
    this.#library = new RunLibrary(root);
    this.#points = points;
    this.#listTimer = setInterval(() => void this.#refreshList(), listEveryMs);
    this.#listTimer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#listTimer);
    for (const feed of this.#feeds.values()) (await feed).close();
    this.#feeds.clear();
  }

  /** The commands of one reader. @param by who gives them, as the recordings will say. */
  ordersOf(by: string): Orders {
    return new Orders(this.#library, by);
  }

  /** Something was recorded: `{runId, folder, event}`. Anything else is passed over. */
  async published(message: unknown): Promise<void> {
    const { data } = publication.safeParse(message);
    if (!data) return;
    const { runId: id, folder, event } = data;
    const run = await this.#library.learn(id, folder);
    if (!run) return;
    void this.#feeds.get(id)?.then((feed) => feed.poke());
    if (event.type === "run-started" || event.type === "run-finished") await this.#refreshList();
    for (const reader of this.#readers) if (reader.follows(id) && !this.#feeds.has(id)) void this.#serve(reader, run);
  }

  join(reader: Reader): void {
    this.#readers.add(reader);
  }

  /** The reader is gone. */
  part(reader: Reader): void {
    this.#readers.delete(reader);
    this.#leave(reader, [...reader.runs]);
  }

  /** @param message a run's id, `{runId, after}` or `"*"` for the list. Anything else is passed over. */
  async subscribe(reader: Reader, message: unknown): Promise<void> {
    const { data } = subscription.safeParse(message);
    if (!data || reader.follows(data.runId)) return;
    const { runId: id, after } = data;
    reader.follow(id, after);
    if (id === allRuns) {
      if (this.#listed) reader.sendList(this.#list);
      await this.#refreshList();
      return;
    }
    const run = await this.#library.find(id);
    if (run) await this.#serve(reader, run);
  }

  /** @param message a run's id, or `"*"`. Anything else is passed over. */
  unsubscribe(reader: Reader, message: unknown): void {
    if (typeof message === "string") this.#leave(reader, [message]);
  }

  /** Sends a reader what it has not seen of a run. */
  async #serve(reader: Reader, run: FoundRun): Promise<void> {
    reader.send(await this.#feed(run));
  }

  #feed(run: FoundRun): Promise<RunFeed> {
    const { id } = run.config;
    const known = this.#feeds.get(id);
    // The one that was asked for last comes last.
    this.#feeds.delete(id);
    const feed =
      known ??
      RunFeed.open(run, this.#points, (changed, isAnew) => {
        for (const reader of this.#readers) {
          if (isAnew && reader.follows(id)) reader.follow(id, -1);
          reader.send(changed);
        }
      });
    this.#feeds.set(id, feed);
    return feed;
  }

  /** Forgets runs that nobody follows any more, the oldest first. */
  #leave(reader: Reader, ids: readonly string[]): void {
    for (const id of ids) reader.leave(id);
    const idle = [...this.#feeds.keys()].filter((id) => ![...this.#readers].some((one) => one.follows(id)));
    for (const id of idle.slice(0, Math.max(0, idle.length - keptFeeds))) {
      void this.#feeds.get(id)?.then((feed) => feed.close());
      this.#feeds.delete(id);
    }
  }

  /** Tells the readers of the list where it has changed, and serves those that wait for a run that is there now. */
  #refreshList(): Promise<void> {
    const isWanted = [...this.#readers].some(
      (reader) => reader.follows(allRuns) || [...reader.runs].some((id) => !this.#feeds.has(id)),
    );
    if (!isWanted) return Promise.resolve();
    this.#listing ??= this.#relist().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  async #relist(): Promise<void> {
    const runs = (await this.#library.list()).slice(0, maxListed);
    this.#list = await Promise.all(runs.map((run) => this.#listingOf(run)));
    const listed = JSON.stringify(this.#list);
    const isNew = listed !== this.#listed;
    this.#listed = listed;
    for (const reader of this.#readers) {
      if (isNew && reader.follows(allRuns)) reader.sendList(this.#list);
      for (const run of runs)
        if (reader.follows(run.config.id) && !this.#feeds.has(run.config.id)) await this.#serve(reader, run);
    }
  }

  async #listingOf({ folder, path, config }: FoundRun): Promise<RunListing> {
    const feed = await this.#feeds.get(config.id);
    const { state, step } = feed?.status ?? (await this.#glances.of(folder));
    const { id, name, createdAt } = config;
    return { runId: id, name, createdAt, state, step, ...(path !== undefined && { path }) };
  }
}
