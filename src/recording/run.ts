import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
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
import {
  eventEnvelopeSchema,
  isKnownEventType,
  type RecordedEvent,
  type RunEvent,
  runEventSchema,
} from "./messages.ts";

export interface CreateRunOptions {
  /** Where runs live. Default `"runs"`. */
  folder?: string;
  /** What kind of run it is; part of its id. Default `"run"`. */
  name?: string;
  /** Root seed of the run. */
  seed?: number;
  /** Settings as JSON. */
  config?: Readonly<Record<string, unknown>>;
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
  #nextSeq = 0;
  #isClosed = false;

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
    const { folder = "runs", name = "run", seed, config = {} } = options;
    const now = new Date().toISOString();
    const base = `${now.slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}-${slug(name)}`;
    const settings: unknown = JSON.parse(JSON.stringify(config));
    await mkdir(folder, { recursive: true });
    const temporary = join(folder, `.creating-${randomUUID()}`);
    try {
      for (let attempt = 1; ; attempt++) {
        const id = attempt === 1 ? base : `${base}-${attempt}`;
        const described = {
          formatVersion,
          id,
          name,
          createdAt: now,
          seed,
          versions: recordedVersions(),
          config: settings,
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
      const next: RecordedEvent = { seq: this.#nextSeq, time: Date.now(), ...checked };
      writer.append(JSON.stringify(next));
      this.#nextSeq++;
      return next;
    });
    this.#publisher?.publish(this.id, recorded);
    return recorded;
  }

  /**
   * All events so far. A torn last line is left out; events of types that this version does not know are left out too.
   *
   * @throws RecordingError naming the line that is damaged.
   */
  async events(): Promise<RecordedEvent[]> {
    const lines = await readJsonLines(this.#eventsPath);
    return lines.flatMap((line, i): RecordedEvent[] => {
      const envelope = eventEnvelopeSchema.safeParse(line);
      if (envelope.success && !isKnownEventType(envelope.data.type)) return [];
      const event = runEventSchema.safeParse(line);
      if (envelope.success && event.success)
        return [{ seq: envelope.data.seq, time: envelope.data.time, ...event.data }];
      const issue = (envelope.error ?? event.error)?.issues[0];
      throw new RecordingError(
        `${this.#eventsPath}, line ${i + 1} is damaged: ${issue?.path.join(".") || "event"}: ${issue?.message}.`,
      );
    });
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
    const lines = await readJsonLines(join(this.folder, "rollouts", rolloutName(step)));
    return lines.map((line, i) => parseInput(schema, line, `rollout ${i} of step ${step} of run ${this.id}`));
  }

  /** Steps whose rollouts were written, ascending. */
  async rolloutSteps(): Promise<number[]> {
    const names = await readdir(join(this.folder, "rollouts")).catch((): string[] => []);
    const steps = names.flatMap((name) => rolloutFile.exec(name)?.[1] ?? []);
    return steps.map(Number).sort((a, b) => a - b);
  }

  /** Writes a checkpoint and records it. */
  async saveCheckpoint(step: number, files: CheckpointFiles): Promise<Checkpoint> {
    const checkpoint = await this.checkpoints.write(step, files);
    const bytes = Object.values(files).reduce((sum, data) => sum + Buffer.byteLength(data), 0);
    this.append({ type: "checkpoint", step, name: checkpoint.name, bytes });
    return checkpoint;
  }

  /** Commands that are sent to the run from now on; lines that are none are recorded as log. */
  commands(): CommandReader {
    return new CommandReader(this.folder, (problem) => this.append({ type: "log", text: problem }));
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
      if (writer.lastLine) this.#nextSeq = eventEnvelopeSchema.parse(JSON.parse(writer.lastLine)).seq + 1;
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
