import type { z } from "zod";
import type { LabContext } from "../base/context.ts";
import type { PanelMetric } from "../display/index.ts";
import type { Part } from "../parts/index.ts";
import type { CheckpointFiles, RetentionRules, Run } from "../recording/index.ts";
import type { PlacedEdit } from "../rollout/edits.ts";
import type { CourseChange } from "./controllers/types.ts";
import type { Alert } from "./guards/types.ts";
import type { HeldStep } from "./held-step.ts";

/** One step of learning, as the loop hands it out. */
export interface LearnerStep {
  /** Steps taken, this one included. */
  readonly step: number;
  /** Numbers by name; what a step did not measure is absent. */
  readonly metrics: Readonly<object>;
  /** What looked wrong in this step, and what was done about it. */
  readonly alerts: readonly Alert[];
  /** Rollouts of this step that a person changed before the update, in order. */
  readonly interventions?: readonly PlacedEdit[];
  /** What was decided after this step about the next ones: triggers that fired, references that were reset. */
  readonly changes?: readonly CourseChange[];
  /** Where the time went, part by part. */
  readonly seconds: Readonly<object>;
  /** What the step learnt from, and how each token of it counted. Both are recorded, not kept in memory. */
  readonly batch?: unknown;
  readonly advantages?: unknown;
}

/** A step as it is kept: what it learnt from lies in the run's folder, in memory it would fill it. */
export type StepRecord<S extends LearnerStep> = Omit<S, "batch" | "advantages">;

/** The settings that the loop itself reads. */
export interface LearnerConfig {
  /** Steps between checkpoints; 0 writes none but the first and the last. */
  readonly checkpointEvery: number;
  /** Which checkpoints stay on disk. */
  readonly checkpoints: RetentionRules;
}

/** How a learner's steps are shown while they go on. */
export interface LearnerView {
  /** The panel's curves, by the metrics' names. */
  readonly curves: readonly PanelMetric[];
  /** Figures of the last step for the line under the curves. */
  line(metrics: Readonly<Record<string, number>>): readonly string[];
}

/**
 * Whatever learns step by step: a trainer of policies by reinforcement, by examples, by preferences. Who offers this much
 * gets the life cycle (`train`, `start`, pause, stop, interrupts that leave the last whole step), commands from other
 * processes, the recorded run with its checkpoints, rewinding, resuming, and the live panel. What a step learns from, and
 * by which rule, is the learner's own business.
 */
export interface Learner<S extends LearnerStep = LearnerStep> {
  readonly lab: LabContext;
  /** What it does, for its panel: `Training tiny-math on arithmetic`. */
  readonly title: string;
  readonly view: LearnerView;
  /** Every setting, as JSON can hold it. */
  readonly config: LearnerConfig;
  /** What `configure` takes, so that forms can offer it. Absent: they do not. */
  readonly settingsSchema?: z.ZodType;
  /** Code of the user's own that its settings name or named; it is recorded with them. */
  readonly parts?: readonly Part[];
  /** Steps taken. */
  readonly step: number;
  /** Counts the changes of what is learnt: with `step` it tells one state of a run from another. */
  readonly version: number;
  /** One whole step, or nothing: a step that fails or is interrupted leaves the state as it was before it. */
  trainStep(): Promise<S>;
  /**
   * As `trainStep`, with a pause between collecting and updating in which rollouts may be changed. Absent: steps collect
   * none.
   *
   * @param review the update follows once it resolves; the step is nothing if it rejects.
   */
  reviewedStep?(review: (held: HeldStep) => Promise<void>): Promise<S>;
  /** Changes of settings as JSON, for a command; code among them is kept and named. Absent: settings are JSON as they are. */
  asCommand?(changes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /** @throws InvalidInputError naming every setting that is unknown or out of range; none is changed then. */
  configure(changes: Readonly<Record<string, unknown>>): void;
  /**
   * The whole state as the files of a checkpoint: whoever takes it up goes on as if nothing had happened. `trainer.json`
   * holds `step` and, as `policyVersion`, the version.
   */
  save(): Promise<{ readonly step: number; readonly files: CheckpointFiles }>;
  /**
   * Takes up a saved state.
   *
   * @param where names the checkpoint in errors.
   * @throws CheckpointError naming the file that is missing or damaged; nothing is changed then.
   */
  load(files: Readonly<Record<string, Uint8Array>>, where: string): Promise<void>;
  /** The recorded run that its steps belong to: one that exists, or a new one in `folder` on first use. */
  openRun(folder: string | Run): Promise<Run>;
  /** Lines of the step's own file in the run's folder. Absent: steps leave no such file. */
  records?(step: S): readonly unknown[];
}

/** A step's numbers by name. */
export const figuresOf = ({ metrics }: Pick<LearnerStep, "metrics">): Record<string, number> =>
  metrics as Record<string, number>;

/** A step's times as metrics: `secondsUpdate`. */
export function timesOf({ seconds }: LearnerStep): Record<string, number> {
  const named = (part: string) => `seconds${part[0]!.toUpperCase()}${part.slice(1)}`;
  return Object.fromEntries(Object.entries(seconds as Record<string, number>).map(([part, s]) => [named(part), s]));
}
