import { isDeepStrictEqual } from "node:util";
import { type RecordedEvent, RecordingError, type Run, stepsOf } from "../recording/index.ts";
import type { RewardLike, RewardResult } from "../reward/index.ts";
import type { Advantages, Batch, FilterMark } from "./batch.ts";
import type { UnscoredBatch } from "./collect-batch.ts";
import type { StepConfig } from "./config.ts";
import type { Forkable } from "./fork.ts";
import { interpreterAlarm } from "./guards/interpreter-alarm.ts";
import type { Alert } from "./guards/types.ts";
import { batchOf, type RolloutRecord, readRolloutRecords } from "./rollout-records.ts";
import type { StepReport } from "./types.ts";

export interface ReplayOptions {
  /** Judges the rollouts anew. Default: the run's own reward. */
  readonly reward?: RewardLike;
}

/** Something that was recorded, and what came of it now. */
interface Changed<Recorded, Now = Recorded> {
  readonly recorded: Recorded;
  readonly now: Now;
}

/** What a guard said, as far as it is repeated. */
export type ReplayedAlert = Pick<Alert, "guard" | "metric" | "value" | "limit" | "action" | "rollouts">;

/** What a recorded step gave when it was scored and trained again. Lists of differences are empty where all is the same. */
export interface ReplayReport {
  readonly batch: Batch;
  readonly advantages: Advantages;
  /** The step's metrics. */
  readonly metrics: StepReport["metrics"];
  /** Rollouts whose reward, or that of a turn, is another than the recorded one. */
  readonly rescored: readonly ({ readonly rollout: number } & Changed<RewardResult>)[];
  /** Rollouts to which the filters did something else. Recordings of versions that did not note it are not compared. */
  readonly remarked: readonly ({ readonly rollout: number } & Changed<readonly FilterMark[]>)[];
  /** Metrics that are not those recorded; without those of the collection itself. */
  readonly differences: readonly ({ readonly metric: string } & Changed<number | null, number>)[];
  /** What guards said then and do not say now, or the other way round. */
  readonly alerts: readonly Partial<Changed<ReplayedAlert>>[];
  /** The weights after the step. */
  readonly weights: Readonly<Record<string, Float32Array>>;
}

/** What replaying needs of a trainer. */
export interface Replayable extends Omit<Forkable, "trainStep"> {
  score(batch: UnscoredBatch, options: { reward?: RewardLike | undefined }): Promise<Batch>;
  advantages(batch: Batch): Advantages;
  valuesAt(step: number): StepConfig;
  trainStep(batch: Batch): Promise<StepReport>;
  close(): Promise<void>;
}

/** Metrics of the collection, of which the rollouts that were kept tell nothing. */
const ofCollection = new Set(["infrastructure", "refillRounds", "discardedPrompts", "collectedAccuracy"]);

/** Scores and trains a recorded step's rollouts again on a branch; see `Trainer.replay`. */
export async function replayStep(
  branchAt: (step: number) => Promise<Replayable>,
  run: Run | undefined,
  step: number,
  { reward }: ReplayOptions,
): Promise<ReplayReport> {
  if (!run) throw new RecordingError("Nothing can be replayed: the training is not recorded.");
  const records = await readRolloutRecords(run, step);
  const events = await run.events();
  const recorded = stepsOf(events).find((event) => event.step === step)?.metrics ?? {};
  const branch = await branchAt(step - 1);
  try {
    const { policy } = branch;
    const { maxToolCalls } = branch.valuesAt(step - 1);
    const original = batchOf(policy.tokenizer, records, step, { maxToolCalls });
    const batch = await branch.score(original, { reward });
    const rescored = batch.rollouts.flatMap(({ reward: now }, rollout) => {
      const before = original.rollouts[rollout]!.reward;
      const isSame = now.reward === before.reward && isDeepStrictEqual(now.turnRewards, before.turnRewards);
      return isSame ? [] : [{ rollout, recorded: before, now }];
    });
    const advantages = branch.advantages(batch);
    const { metrics, alerts } = await branch.trainStep(batch);
    const differences = Object.entries(metrics).flatMap(([metric, now]: [string, number]) => {
      const then = recorded[metric];
      const isSame =
        then === undefined || ofCollection.has(metric) || Object.is(then ?? Number.NaN, finite(now) ?? Number.NaN);
      return isSame ? [] : [{ metric, recorded: then, now }];
    });
    return {
      batch,
      advantages,
      metrics,
      rescored,
      remarked: remarked(records, batch),
      differences,
      alerts: alertDifferences(alertsOf(events, step), alerts),
      weights: await policy.weights(),
    };
  } finally {
    await branch.close();
  }
}

/** What JSON holds of a number. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

function remarked(records: readonly RolloutRecord[], { rollouts }: Batch): ReplayReport["remarked"] {
  const trained = records.filter(({ greedy }) => !greedy);
  return rollouts.flatMap(({ marks: now = [] }, rollout) => {
    const then = trained[rollout]?.marks;
    return then === undefined || isDeepStrictEqual(then, now) ? [] : [{ rollout, recorded: then, now }];
  });
}

/** The alerts of a step, as recorded: they stand behind it. */
function alertsOf(events: readonly RecordedEvent[], step: number): ReplayedAlert[] {
  const from = events.findLastIndex((event) => event.type === "step" && event.step === step) + 1;
  const rest = events.slice(from);
  const end = rest.findIndex((event) => event.type !== "alert");
  return rest.slice(0, end < 0 ? undefined : end).flatMap((event) =>
    event.type === "alert" && event.guard !== undefined && event.action !== undefined
      ? [
          compared({
            guard: event.guard,
            metric: event.metric ?? "",
            value: event.value ?? Number.NaN,
            limit: event.limit ?? null,
            action: event.action,
            rollouts: event.rollouts ?? [],
          }),
        ]
      : [],
  );
}

function alertDifferences(then: readonly ReplayedAlert[], alerts: readonly Alert[]): ReplayReport["alerts"] {
  const now = alerts.map(compared);
  // The interpreter's failures are not the step's, and are not repeated.
  const without = (some: readonly ReplayedAlert[], others: readonly ReplayedAlert[]) =>
    some.filter((one) => one.guard !== interpreterAlarm && !others.some((other) => isDeepStrictEqual(one, other)));
  const gone = without(then, now);
  const added = without(now, then);
  const pairs = gone.map((recorded) => {
    const at = added.findIndex(({ guard }) => guard === recorded.guard);
    return at < 0 ? { recorded } : { recorded, now: added.splice(at, 1)[0]! };
  });
  return [...pairs, ...added.map((one) => ({ now: one }))];
}

const compared = ({ guard, metric, value, limit, action, rollouts }: ReplayedAlert): ReplayedAlert => ({
  guard,
  metric,
  value: finite(value) ?? Number.NaN,
  limit: limit === null ? null : finite(limit),
  action,
  rollouts: rollouts.map(({ group, sample }) => ({ group, sample })),
});
