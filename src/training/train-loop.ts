import { InterruptedError, InvalidInputError } from "../base/errors.ts";
import { type Command, type CommandInput, livePublisher, type Run, type SentCommand } from "../recording/index.ts";
import { type AnyLoop, loops } from "./busy-loops.ts";
import { type AnsweredCommand, CommandDesk } from "./command-desk.ts";
import { type HeldStep, stepWith } from "./held-step.ts";
import { Hold } from "./hold.ts";
import type { Learner, LearnerStep, StepRecord } from "./learner.ts";
import { bringTo } from "./rewind.ts";
import { StepRecorder } from "./step-recorder.ts";
import type { LoopState, TrainOptions } from "./train-options.ts";
import { TrainPanel } from "./train-panel.ts";

/**
 * A training under way: takes steps one by one, obeys commands between them, and records everything before it is handed
 * out. `begin`, then `next` until it gives nothing, then `close`; who drives it decides whether a cell waits.
 */
export class TrainLoop<S extends LearnerStep> {
  readonly trainer: Learner<S>;
  readonly count: number;
  readonly steps: StepRecord<S>[] = [];
  state: LoopState = "new";
  panel: TrainPanel | undefined;
  readonly #options: TrainOptions;
  /** It runs beside the cells, so that it can wait for a person to resume it. */
  readonly #goesOn: boolean;
  #run: Run | undefined;
  #recorder: StepRecorder<S> | undefined;
  readonly #desk = new CommandDesk(
    (sent) => this.#carryOut(sent),
    (command) => this.#answered(command),
  );
  #signal: AbortSignal | undefined;
  /** Where it is to end: a training that went back goes on to there. */
  #end = Number.POSITIVE_INFINITY;
  /** Steps that may be taken before the next pause. */
  #allowed = Number.POSITIVE_INFINITY;
  readonly #hold = new Hold();
  #isStopping = false;
  /** A guard asked for a pause, and a cell waits that could not be used meanwhile: the training ends. */
  #isPausedByGuard = false;
  /** The call of `next` or `close` under way. */
  #work: Promise<unknown> = Promise.resolve();
  #isWorking = false;
  #closed: Promise<void> | undefined;
  readonly #standing: (() => void)[] = [];

  /** @throws InvalidInputError for a count that is not a whole number of at least 1. */
  constructor(trainer: Learner<S>, count: number, options: TrainOptions, goesOn = false) {
    if (!Number.isInteger(count) || count < 1)
      throw new InvalidInputError(`A training takes a whole number of steps of at least 1, was ${count}.`);
    this.trainer = trainer;
    this.count = count;
    this.#options = options;
    this.#goesOn = goesOn;
  }

  get title(): string {
    return this.#options.title ?? this.trainer.title;
  }

  get isOver(): boolean {
    return !["new", "running", "paused"].includes(this.state);
  }

  /** Its cell was interrupted: it takes no further step. */
  get isGivenUp(): boolean {
    return this.#signal?.aborted ?? false;
  }

  /**
   * Makes the trainer this training's own.
   *
   * @returns the training that was given up before, if it has not ended yet.
   * @throws InvalidInputError while another one of the same trainer goes on.
   */
  claim(): AnyLoop | undefined {
    const other = loops.get(this.trainer);
    if (other && !other.isGivenUp)
      throw new InvalidInputError(
        `This trainer is training already (step ${other.steps.length} of ${other.count}${other.state === "paused" ? ", paused" : ""}).`,
        "Wait for its done, stop() it, or train a fork beside it.",
      );
    loops.set(this.trainer, this);
    return other;
  }

  /** Opens the recording and shows the panel. */
  async begin(other: AnyLoop | undefined): Promise<void> {
    const { trainer } = this;
    const { record = "runs" } = this.#options;
    this.#signal = trainer.lab.signal();
    try {
      if (other) await other.giveUp();
      this.#end = trainer.step + this.count;
      if (record !== false) {
        const run = await trainer.openRun(record);
        await run.acquire();
        this.#run = run;
        this.#recorder = await StepRecorder.of(trainer, run, (text) => this.panel!.alert(text));
        this.#desk.reader = run.commands();
      }
      this.panel = new TrainPanel(this.title, this.count, trainer.view, this.#run?.id);
      this.state = "running";
      await this.#recorder?.begin(this.count);
    } catch (error) {
      this.panel ??= new TrainPanel(this.title, this.count, trainer.view);
      await this.close(error);
      throw error;
    }
  }

  /**
   * Obeys the commands that wait, then takes a step.
   *
   * @returns undefined when all steps are taken or the training was told to stop.
   * @throws InterruptedError when the cell is interrupted.
   */
  next(): Promise<S | undefined> {
    return this.#busy(() => this.#next());
  }

  /** Ends the training; a second call does nothing more. */
  close(failure?: unknown): Promise<void> {
    this.#closed ??= this.#busy(() => this.#close(failure));
    return this.#closed;
  }

  /** Resolves when the training stands still the next time: paused, or at its end. */
  standing(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isOver) resolve();
      else this.#standing.push(resolve);
    });
  }

  get #isWhole(): boolean {
    return this.trainer.step >= this.#end;
  }

  /** The step whose rollouts are collected and may be changed before the update. */
  get held(): HeldStep | undefined {
    return this.#hold.held;
  }

  /** Gives a command from this process. Resolves when it is obeyed: between two steps. */
  send(input: CommandInput, by: string): Promise<void> {
    return this.#desk.send(input, by);
  }

  async #next(): Promise<S | undefined> {
    if (this.isOver || this.#isWhole) return undefined;
    await this.#obey();
    if (this.#isStopping) return undefined;
    const { trainer } = this;
    this.#checkSignal();
    this.#recorder?.noteRewind();
    this.#recorder?.noteSettings();
    const review = this.#hold.isWanted ? (held: HeldStep) => this.#review(held) : undefined;
    const report = await stepWith(trainer, this.#options.interventions ?? [], review);
    this.#allowed--;
    const { batch: _, advantages: __, ...record } = report;
    this.steps.push(record);
    this.panel!.step(report);
    await this.#recorder?.record(report);
    const pausing = report.alerts.find(({ action }) => action === "pause");
    if (pausing && this.#goesOn) {
      this.#allowed = 0;
      this.#run?.append({
        type: "command",
        step: report.step,
        command: { type: "pause" },
        by: `guard ${pausing.guard}`,
      });
    } else if (pausing) this.#isStopping = this.#isPausedByGuard = true;
    return report;
  }

  async #close(failure: unknown): Promise<void> {
    const isCut = this.isGivenUp || failure instanceof InterruptedError;
    const ended = this.#isWhole ? "completed" : this.#isPausedByGuard ? "paused" : "stopped";
    const reason = isCut ? "interrupted" : failure !== undefined ? "failed" : ended;
    const run = this.#run;
    try {
      if (this.steps.length) await this.#recorder?.save();
    } catch (error) {
      this.panel?.alert(`the last checkpoint could not be written: ${String(error)}`);
    }
    try {
      this.#desk.close(new InvalidInputError(`This training has ended (${reason}).`, "Start another."));
      this.#recorder?.finish(reason, failure);
      await livePublisher()?.flush();
    } finally {
      this.state = reason === "paused" ? "stopped" : reason;
      if (loops.get(this.trainer) === this) loops.delete(this.trainer);
      if (reason === "failed") this.panel?.alert(String(failure));
      this.panel?.done(`${reason}${run ? ` · ${run.folder}` : ""}`);
      for (const resolve of this.#standing.splice(0)) resolve();
      await run?.release();
    }
  }

  /** Ends it from outside: its cell takes no further step, and perhaps does not even know. */
  async giveUp(): Promise<void> {
    if (this.#isWorking) await this.#work.catch(() => undefined);
    await this.close();
  }

  #busy<T>(work: () => Promise<T>): Promise<T> {
    this.#isWorking = true;
    const result = work().finally(() => {
      this.#isWorking = false;
    });
    this.#work = result;
    return result;
  }

  /** Obeys what waits; while paused, waits for more. */
  async #obey(): Promise<void> {
    for (;;) {
      const obeyed = await this.#desk.obey();
      this.#checkSignal();
      const isPaused = this.#allowed <= 0;
      if (this.#isStopping || !isPaused) {
        this.state = "running";
        return;
      }
      this.#stand(`paused after step ${this.trainer.step}`);
      if (!obeyed) await this.#desk.somethingNew(this.#signal);
    }
  }

  /** Obeys commands while a collected step waits for its update. */
  async #review(held: HeldStep): Promise<void> {
    await this.#hold.during(held, async () => {
      await this.#recorder?.recordHeld(held);
      this.#run?.append({ type: "held", step: held.step });
      for (;;) {
        const obeyed = await this.#desk.obey();
        this.#checkSignal();
        if (!this.#hold.held) break;
        this.#stand(`step ${held.step} is held before its update`);
        if (!obeyed) await this.#desk.somethingNew(this.#signal);
      }
    });
    this.state = "running";
  }

  #stand(text: string): void {
    this.state = "paused";
    for (const resolve of this.#standing.splice(0)) resolve();
    this.panel!.status(text);
  }

  #answered({ command, id, by, error }: AnsweredCommand): void {
    const { step } = this.trainer;
    if (error === undefined) this.#run?.append({ type: "command", step, command, id, by });
    else {
      this.#run?.append({ type: "command-refused", step, text: String(error), id, by });
      this.panel?.alert(`${command.type} refused: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #intervene(
    { step, group, sample, edit }: Extract<Command, { type: "intervene" }>,
    by: string | undefined,
  ): Promise<void> {
    const held = await this.#hold.intervene(step, { group, sample, edit, by });
    await this.#recorder?.recordHeld(held);
  }

  async #carryOut({ command, by }: SentCommand): Promise<void> {
    switch (command.type) {
      case "pause":
        this.#allowed = 0;
        this.state = "paused";
        break;
      case "resume":
        this.#allowed = Number.POSITIVE_INFINITY;
        this.state = "running";
        this.#hold.end();
        this.panel!.status();
        break;
      case "step":
        this.#allowed = command.count;
        this.#hold.end();
        break;
      case "stop":
        this.#isStopping = true;
        this.#hold.end();
        break;
      case "hold":
        this.#hold.ask(this.trainer);
        this.#allowed = Math.max(1, this.#allowed);
        break;
      case "intervene":
        await this.#intervene(command, by);
        break;
      case "set":
        this.trainer.configure(command.values);
        break;
      case "checkpoint":
        this.#hold.refuse("A checkpoint");
        if (!this.#recorder)
          throw new InvalidInputError("This training is not recorded: there is no folder for a checkpoint.");
        await this.#recorder.checkpoint(command.label);
        break;
      case "rewind":
        this.#hold.refuse("Rewinding");
        await this.#rewind(command.step);
        break;
    }
  }

  /** The steps that are left behind count as not taken: the training goes on to where it was to end. */
  async #rewind(step: number): Promise<void> {
    const [run, recorder] = [this.#run, this.#recorder];
    if (!run || !recorder) throw new InvalidInputError("This training is not recorded: there is no way back.");
    if (step >= this.trainer.step)
      throw new InvalidInputError(
        `Step ${step} does not lie before step ${this.trainer.step}, where the training stands.`,
      );
    try {
      await bringTo(this.trainer, run, step);
    } finally {
      // Cut on the way, it stands wherever it has come to.
      recorder.noteRewind();
      const kept = this.steps.filter((taken) => taken.step <= this.trainer.step);
      this.steps.splice(0, this.steps.length, ...kept);
      this.panel!.rewound(this.trainer.step, { taken: kept.length, left: this.#end - this.trainer.step });
    }
  }

  #checkSignal(): void {
    if (this.#signal?.aborted) throw new InterruptedError(`Training was interrupted after step ${this.trainer.step}.`);
  }
}
