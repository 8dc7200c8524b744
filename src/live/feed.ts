import { type FSWatcher, watch } from "node:fs";
import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";
import { lockOwner } from "../recording/lock.ts";
import { readSettingsSchema } from "../recording/settings-schema.ts";
import { standingOf } from "../recording/standing.ts";
import { EventFile } from "./event-file.ts";
import { RunHistory } from "./history.ts";
import type { FoundRun } from "./library.ts";
import type { RunFacts, RunStatus, RunUpdate } from "./messages.ts";

/** Readers hear of what happens at most this often. */
const pauseMs = 30;
/** Not every file system tells of changes, and none of the death of a process. */
const lookEveryMs = 500;

/** @param isAnew the recording is another one than before. */
type OnChange = (feed: RunFeed, isAnew: boolean) => void;

/** One run that somebody follows: reads its recording as it grows. */
export class RunFeed {
  readonly run: FoundRun;
  /** Counts the changes that readers hear of. */
  version = 0;
  readonly #points: number;
  #history: RunHistory;
  readonly #file: EventFile;
  readonly #onChange: OnChange;
  #watcher: FSWatcher | undefined;
  readonly #interval: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #isAsked = false;
  #isTrained = false;
  #schema: RunFacts["schema"];
  #isClosed = false;
  /** Pieces that several readers are sent, by where they begin; of what happened last. */
  #updates = new Map<number, RunUpdate>();

  private constructor(run: FoundRun, points: number, onChange: OnChange) {
    this.run = run;
    this.#points = points;
    this.#history = new RunHistory(points);
    this.#file = new EventFile(run.folder);
    this.#onChange = onChange;
    try {
      this.#watcher = watch(run.folder, { persistent: false }, () => this.poke());
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // Looking now and then is enough.
    }
    this.#interval = setInterval(() => void this.#read(true), lookEveryMs);
    this.#interval.unref();
  }

  /**
   * Reads the whole recording first.
   *
   * @param points about how many points of a metric a reader gets who begins with the run.
   */
  static async open(run: FoundRun, points: number, onChange: OnChange): Promise<RunFeed> {
    const feed = new RunFeed(run, points, onChange);
    await feed.#read(true);
    return feed;
  }

  get id(): string {
    return this.run.config.id;
  }

  get status(): RunStatus {
    const { timeline, time, secondsPerStep } = this.#history;
    const isOpen = ["new", "running", "paused"].includes(timeline.state);
    const listens = this.#isTrained && isOpen;
    return {
      state: standingOf(timeline, listens),
      step: timeline.step,
      listens,
      ...(timeline.target !== undefined && { target: timeline.target }),
      ...(timeline.held !== undefined && listens && { held: timeline.held }),
      ...(timeline.error !== undefined && { error: timeline.error }),
      ...(time !== undefined && { time }),
      ...(secondsPerStep !== undefined && { secondsPerStep }),
    };
  }

  /** What happened after an event; everything where that lies too far back. */
  since(after: number): RunUpdate {
    const known = this.#updates.get(after);
    if (known) return known;
    const part = this.#history.since(after);
    const update: RunUpdate = part
      ? { runId: this.id, ...part, status: this.status }
      : { runId: this.id, ...this.#history.whole(), status: this.status, facts: this.#facts() };
    this.#updates.set(after, update);
    return update;
  }

  /** Something may have happened. */
  poke(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#read(false);
    }, pauseMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#watcher?.close();
    clearInterval(this.#interval);
    clearTimeout(this.#timer);
  }

  #facts(): RunFacts {
    const { timeline } = this.#history;
    const { name, config } = this.run.config;
    const checkpoints = [...timeline.checkpoints.values()].sort((a, b) => a.step - b.step);
    return {
      name,
      ...(this.run.path !== undefined && { path: this.run.path }),
      settings: timeline.settingsAt(config, timeline.step),
      ...(this.#schema && { schema: this.#schema }),
      checkpoints: checkpoints.map(({ step, label }) => ({ step, ...(label !== undefined && { label }) })),
    };
  }

  /** One reading at a time; what is asked for meanwhile is done afterwards. */
  async #read(looksForOwner: boolean): Promise<void> {
    if (this.#reading) {
      this.#isAsked = true;
      return this.#reading;
    }
    this.#reading = this.#readOnce(looksForOwner);
    await this.#reading;
    this.#reading = undefined;
    if (this.#isAsked) {
      this.#isAsked = false;
      this.poke();
    }
  }

  async #readOnce(looksForOwner: boolean): Promise<void> {
    const before = { seq: this.#history.seq, wasTrained: this.#isTrained, history: this.#history };
    let begins = this.#schema === undefined && before.seq < 0;
    await this.#file.read(
      (event) => {
        this.#history.add(event);
        begins ||= event.type === "run-started";
      },
      () => {
        this.#history = new RunHistory(this.#points);
      },
    );
    if (looksForOwner || begins) this.#isTrained = (await lockOwner(this.run.folder)) !== undefined;
    if (begins) this.#schema = await readSettingsSchema(this.run.folder);
    const { seq } = this.#history;
    const isAnew = this.#history !== before.history;
    if (seq === before.seq && this.#isTrained === before.wasTrained && !isAnew) return;
    this.#updates.clear();
    this.version++;
    if (!this.#isClosed) this.#onChange(this, isAnew);
  }
}
