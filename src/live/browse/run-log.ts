import { stat } from "node:fs/promises";
import { join } from "node:path";
import { lockOwner, type RecordedEvent, type Standing, standingOf, Timeline } from "../../recording/index.ts";
import { JsonLinesTail } from "../../recording/json-lines.ts";
import { readEvent } from "../../recording/read-event.ts";

type StepEvent = Extract<RecordedEvent, { type: "step" }>;
export type OtherEvent = Exclude<RecordedEvent, { type: "step" }>;

/** What happens once in a while is kept; of a run that tells more than this, the newest. */
const maxOthers = 5000;

/**
 * A run's events, read as they grow: a look at a run that trains costs what is new. Steps that the run left behind when
 * it went back are not among its steps.
 */
export class RunLog {
  readonly #folder: string;
  #tail: JsonLinesTail;
  #lines = 0;
  #identity = "";
  #size = 0;
  #reading: Promise<void> | undefined;
  timeline = new Timeline();
  steps: StepEvent[] = [];
  others: OtherEvent[] = [];
  /** What is wrong with the file, from the damaged line on. */
  problem: string | undefined;
  /** When the last event happened; Unix time in milliseconds. */
  lastTime: number | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#tail = new JsonLinesTail(this.#path);
  }

  get #path(): string {
    return join(this.#folder, "events.jsonl");
  }

  /** Reads what was appended since the last call. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async standing(): Promise<{ state: Standing; isTrained: boolean }> {
    const isTrained = (await lockOwner(this.#folder)) !== undefined;
    return { state: standingOf(this.timeline, isTrained), isTrained };
  }

  async #read(): Promise<void> {
    const file = await stat(this.#path).catch(() => undefined);
    const identity = file ? `${file.dev}:${file.ino}` : "";
    // Another file under the same name, or one that lost something: everything is read anew.
    if (identity !== this.#identity || (file && file.size < this.#size)) this.#restart();
    this.#identity = identity;
    this.#size = file?.size ?? 0;
    for (const line of this.#tail.next()) {
      this.#lines++;
      if (this.problem) continue;
      try {
        const where = `events.jsonl, line ${this.#lines}`;
        const event = readEvent(parsed(line, where), where);
        if (event) this.#add(event);
      } catch (error) {
        this.problem = (error as Error).message;
      }
    }
  }

  #add(event: RecordedEvent): void {
    this.timeline.add(event);
    this.lastTime = event.time;
    if (event.type !== "step") {
      if (event.type === "rewound") this.#dropSteps(event.step + 1);
      this.others.push(event);
      if (this.others.length > maxOthers) this.others.shift();
      return;
    }
    this.#dropSteps(event.step);
    this.steps.push(event);
  }

  #dropSteps(from: number): void {
    while (this.steps.length && this.steps.at(-1)!.step >= from) this.steps.pop();
  }

  #restart(): void {
    this.#tail = new JsonLinesTail(this.#path);
    this.#lines = 0;
    this.timeline = new Timeline();
    this.steps = [];
    this.others = [];
    this.problem = undefined;
    this.lastTime = undefined;
  }
}

function parsed(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`${where} is damaged: it is not JSON.`);
  }
}
