import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { z } from "zod";
import { writeFileAtomic } from "../base/files.ts";
import { parseInput } from "../base/schema.ts";
import { shield } from "../display/session.ts";
import { type Checkpoint, type CheckpointFiles, CheckpointStore } from "./checkpoints.ts";
import { CommandReader } from "./commands.ts";
import { formatVersion, type RunConfig, readRunConfig, recordedVersions, runConfigSchema } from "./config.ts";
import { RecordingError } from "./errors.ts";
import { JsonLinesWriter, readJsonLines } from "./json-lines.ts";
import { type LivePublisher, livePublisher } from "./live.ts";
import { lockRun } from "./lock.ts";
import { eventEnvelopeSchema, type RecordedEvent, type RunEvent, runEventSchema, type Sender } from "./messages.ts";
import { readEvent } from "./read-event.ts";
import { tellRecorded } from "./recorded.ts";
import { type RetentionRules, surplusCheckpoints } from "./retention.ts";
import { Timeline } from "./timeline.ts";

export interface CreateRunOptions {
  /** Where runs live. Default `"runs"`. */
  folder?: string;
  /** What kind of run it is; part of its id. Default `"run"`. */
  name?: string;
  /** Root seed of the run. */
  seed?: number;
  /** Settings as JSON. */
  config?: Readonly<Record<string, unknown>>;
  /** What the settings are used on, as JSON. */
  setup?: Readonly<Record<string, unknown>>;
  /** The run that it branches off from. */
  parent?: { readonly id: string; readonly step: number };
  /** Further files of the folder, by name. */
  files?: Readonly<Record<string, string>>;
  /** Where events go beside the disk. Default: the live channel, if a server started this process. */
  publisher?: LivePublisher;
}

const rolloutFile = /^step-(\d{6,})\.jsonl$/;
const rolloutName = (step: number): string => `step-${String(step).padStart(6, "0")}.jsonl`;
const slug = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 60) || "run";

/**
 * A run on disk: a folder with `config.json`, `events.jsonl`, `commands.jsonl`, `rollouts/` and `checkpoints/`. Every
 * event is on disk before anything else hears of it, and a process that is killed loses no event that was appended.
 * A run has one writer and any number of readers; appending to a run that was opened goes on where it ended.
 *
 * @example
 * const run = await Run.create({ name: "cir", seed: 80, config: trainer.config });
 * run.append({ type: "step", step: 1, metrics: { reward: -0.4 } });
 * await run.checkpoints.write(1, { "model.safetensors": weights });
 * await run.close();
 */
export class Run {
  readonly folder: string;
  readonly config: RunConfig;
  readonly checkpoints: CheckpointStore;
  readonly #publisher: LivePublisher | undefined;
  #writer: JsonLinesWriter | undefined;
  /** Number of the next event; undefined until the last one's is known. */
  #nextSeq: number | undefined;
  #isClosed = false;
  #timeline: Timeline | undefined;
  #locks = 0;
  #unlock: Promise<() => Promise<void>> | undefined;

  private constructor(folder: string, config: RunConfig, publisher = livePublisher()) {
    this.folder = folder;
    this.config = config;
    this.checkpoints = new CheckpointStore(join(folder, "checkpoints"));
    this.#publisher = publisher;
  }

  get id(): string {
    return this.config.id;
  }

  /**
   * Makes the folder of a new run, named by the time (UTC) and `name`. It appears whole or not at all.
   *
   * @throws InvalidInputError for settings that JSON cannot hold.
   */
  static async create(options: CreateRunOptions = {}): Promise<Run> {
    const { folder = "runs", name = "run", seed, config = {}, setup, parent, files = {} } = options;
    const now = new Date().toISOString();
    const base = `${now.slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}-${slug(name)}`;
    const plain = (value: unknown): unknown => value && JSON.parse(JSON.stringify(value));
    await mkdir(folder, { recursive: true });
    const temporary = join(folder, `.creating-${randomUUID()}`);
    try {
      for (const [file, text] of Object.entries(files)) await writeFileAtomic(join(temporary, file), text);
      for (let attempt = 1; ; attempt++) {
        const id = attempt === 1 ? base : `${base}-${attempt}`;
        const described = {
          formatVersion,
          id,
          name,
          createdAt: now,
          seed,
          versions: recordedVersions(),
          config: plain(config),
          ...(setup && { setup: plain(setup) }),
          ...(parent && { parent }),
        };
        const checked = parseInput(runConfigSchema, described, "run");
        await writeFileAtomic(join(temporary, "config.json"), `${JSON.stringify(checked, null, 2)}\n`);
        try {
          await rename(temporary, join(folder, id));
          return new Run(join(folder, id), checked, options.publisher);
        } catch (error) {
          // Another run of the same second has the name.
          if (!["ENOTEMPTY", "EEXIST", "EPERM"].includes((error as NodeJS.ErrnoException).code!) || attempt >= 1000)
            throw error;
        }
      }
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Opens a run to read it, or to go on with it.
   *
   * @throws RecordingError when the folder holds no run, a damaged one, or one of a newer version.
   */
  static async open(folder: string, options: { publisher?: LivePublisher } = {}): Promise<Run> {
    return new Run(folder, await readRunConfig(folder), options.publisher);
  }

  /**
   * Records an event, then sends it to the live channel. Numbers that JSON cannot hold are recorded as null.
   *
   * @throws InvalidInputError for an event that does not fit its type; nothing is recorded.
   */
  append(event: RunEvent): RecordedEvent {
    const plain: unknown = JSON.parse(JSON.stringify(event));
    const checked = parseInput(runEventSchema, plain, `event ${JSON.stringify(event.type)}`);
    if (this.#isClosed) throw new RecordingError(`Run ${this.id} is closed.`);
    const writer = this.#openWriter();
    // Cut between the two, the next event would have the same number.
    const recorded = shield(() => {
      const next: RecordedEvent = { seq: this.#nextSeq!, time: Date.now(), ...checked };
      writer.append(JSON.stringify(next));
      this.#nextSeq = next.seq + 1;
      this.#timeline?.add(checked);
      return next;
    });
    const message = { runId: this.id, folder: resolve(this.folder), event: recorded };
    this.#publisher?.publish(message);
    tellRecorded(message);
    return recorded;
  }

  /**
   * All events so far. A torn last line is left out; events of types that this version does not know are left out too.
   *
   * @throws RecordingError naming the line that is damaged.
   */
  async events(): Promise<RecordedEvent[]> {
    const lines = await readJsonLines(this.#eventsPath);
    return lines.flatMap((line, i) => readEvent(line, `${this.#eventsPath}, line ${i + 1}`) ?? []);
  }

  /** What the events so far amount to; kept up to date by those that this object appends. */
  async timeline(): Promise<Timeline> {
    this.#timeline ??= Timeline.of(await this.events());
    return this.#timeline;
  }

  /**
   * Makes this object the only writer of the folder until `release` is called as often as this.
   *
   * @throws RecordingError naming who trains in it, or when another trainer has gone on with it in the meantime.
   */
  async acquire(): Promise<void> {
    this.#locks++;
    try {
      this.#unlock ??= lockRun(this.folder);
      await this.#unlock;
      if (this.#writer) return;
      const expected = this.#nextSeq;
      this.#openWriter();
      if (expected !== undefined && this.#nextSeq !== expected)
        throw new RecordingError(
          `Another trainer has gone on with run ${this.id} in the meantime.`,
          `Take it up from its folder: Trainer.resume(${JSON.stringify(this.folder)}).`,
        );
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  /** Lets others write, once all that acquired have released. */
  async release(): Promise<void> {
    if (--this.#locks > 0) return;
    const unlock = this.#unlock;
    this.#unlock = undefined;
    this.#writer?.flush();
    this.#writer?.close();
    this.#writer = undefined;
    await unlock?.then(
      (give) => give(),
      () => undefined,
    );
  }

  /** Writes the rollouts of a step, whole or not at all; those of the same step are replaced. */
  async writeRollouts(step: number, rollouts: readonly unknown[]): Promise<void> {
    const lines = rollouts.map((rollout) => `${JSON.stringify(rollout)}\n`);
    await writeFileAtomic(join(this.folder, "rollouts", rolloutName(step)), lines.join(""));
  }

  /**
   * The rollouts of a step, each checked against `schema`; none if none were written.
   *
   * @throws RecordingError naming a line that is not JSON, InvalidInputError naming a rollout that does not fit.
   */
  async rollouts<S extends z.ZodType>(step: number, schema: S): Promise<z.infer<S>[]> {
    const lines = await readJsonLines(join(this.folder, "rollouts", rolloutName(step)), { whole: true });
    return lines.map((line, i) => parseInput(schema, line, `rollout ${i} of step ${step} of run ${this.id}`));
  }

  /** Steps whose rollouts were written, ascending. */
  async rolloutSteps(): Promise<number[]> {
    const names = await readdir(join(this.folder, "rollouts")).catch((): string[] => []);
    const steps = names.flatMap((name) => rolloutFile.exec(name)?.[1] ?? []);
    return steps.map(Number).sort((a, b) => a - b);
  }

  /**
   * Writes a checkpoint and records it.
   *
   * @param label marks it: no rule removes it then.
   */
  async saveCheckpoint(step: number, files: CheckpointFiles, label?: string): Promise<Checkpoint> {
    const checkpoint = await this.checkpoints.write(step, files);
    const parts = Object.values(files).flatMap((data) => data as string | Uint8Array | Uint8Array[]);
    const bytes = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
    this.append({ type: "checkpoint", step, name: checkpoint.name, bytes, ...(label !== undefined && { label }) });
    return checkpoint;
  }

  /** The checkpoints that lead to where the run stands and are on disk, by step, ascending. */
  async validCheckpoints(): Promise<Checkpoint[]> {
    const { checkpoints } = await this.timeline();
    return (await this.checkpoints.list()).filter(({ step }) => checkpoints.has(step));
  }

  /**
   * Removes the checkpoints that the rules do not keep, and those that the run has left behind; never marked ones.
   *
   * @returns how many bytes the rest takes.
   */
  async pruneCheckpoints(rules: RetentionRules): Promise<number> {
    const { checkpoints, marked } = await this.timeline();
    const stored = await this.checkpoints.list();
    const known = stored.flatMap(({ step }) => checkpoints.get(step) ?? []);
    const surplus = new Set(surplusCheckpoints(known, rules));
    for (const { step } of stored)
      if (surplus.has(step) || (known.length > 0 && !checkpoints.has(step) && !marked.has(step)))
        await this.checkpoints.remove(step);
    return known.reduce((sum, { step, bytes }) => sum + (surplus.has(step) ? 0 : bytes), 0);
  }

  /** Commands that are sent to the run from now on; lines that are none are answered as refused. */
  commands(): CommandReader {
    return new CommandReader(this.folder, (text: string, sender: Sender) => {
      this.append({ type: "command-refused", step: this.#timeline?.step ?? 0, text, ...sender });
    });
  }

  /** Makes the events survive a power cut, and gives the live channel up to two seconds to send what waits. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#writer?.flush();
    this.#writer?.close();
    await this.#publisher?.flush();
  }

  /** Continues the numbers of the last whole event, and removes a torn one. */
  #openWriter(): JsonLinesWriter {
    if (this.#writer) return this.#writer;
    const writer = new JsonLinesWriter(this.#eventsPath);
    try {
      this.#nextSeq = writer.lastLine ? eventEnvelopeSchema.parse(JSON.parse(writer.lastLine)).seq + 1 : 0;
    } catch (error) {
      writer.close();
      throw new RecordingError(`The last line of ${this.#eventsPath} is damaged.`, undefined, error);
    }
    this.#writer = writer;
    return writer;
  }

  get #eventsPath(): string {
    return join(this.folder, "events.jsonl");
  }
}
