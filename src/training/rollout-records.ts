import { z } from "zod";
import type { Tokenizer } from "../policy/tokenizer.ts";
import { RecordingError, type Run } from "../recording/index.ts";
import type { RewardResult } from "../reward/index.ts";
import type { Task } from "../rollout/tasks/index.ts";
import { Trajectory, type TrajectoryData } from "../rollout/trajectory.ts";
import type { AdvantageResult } from "./advantages/types.ts";
import { type Batch, type FilterMark, isTrained, type LossTokens, type ScoredRollout } from "./batch.ts";

/** One rollout as a line of the run's `rollouts/step-N.jsonl`. */
export interface RolloutRecord {
  readonly task: Task;
  readonly group: number;
  readonly sample: number;
  readonly reward: RewardResult;
  readonly trajectory: TrajectoryData;
  /** Version of the policy that sampled it. */
  readonly policyVersion: number;
  /** It was sampled greedily, for an estimator to compare with; it is not trained on. */
  readonly greedy?: true;
  /** What filters did to it. Absent from recordings of versions that did not note it. */
  readonly marks?: readonly FilterMark[];
  /** What it was trained with; where tokens differ, the mean. Absent from older recordings, and where none was trained. */
  readonly advantage?: number;
  /** One value a token, null where none is trained; absent where all share `advantage`. */
  readonly tokenAdvantages?: readonly (number | null)[];
}

/** What a batch was trained with. */
export interface RecordedAdvantages extends AdvantageResult {
  /** Which tokens were trained on. */
  readonly tokens: LossTokens;
}

const turnRewardSchema = z.strictObject({ kind: z.enum(["generation", "verification"]), reward: z.number() });

const recordSchema = z.looseObject({
  task: z.looseObject({ id: z.string(), prompt: z.string(), answer: z.string(), family: z.string() }),
  group: z.int().nonnegative(),
  sample: z.int().nonnegative(),
  reward: z.looseObject({
    reward: z.number(),
    correct: z.boolean(),
    turnRewards: z.array(turnRewardSchema).optional(),
  }),
  trajectory: z.looseObject({ ids: z.array(z.int()), sources: z.array(z.string()), promptLength: z.int() }),
  policyVersion: z.int().nonnegative(),
  greedy: z.literal(true).optional(),
  marks: z.array(z.looseObject({ filter: z.string(), reason: z.string(), masked: z.boolean() })).optional(),
  advantage: z.number().optional(),
  tokenAdvantages: z.array(z.number().nullable()).optional(),
});

/** A batch's rollouts as they are recorded, with their advantages where they were trained on. */
export function rolloutRecords(batch: Batch, advantages?: RecordedAdvantages): RolloutRecord[] {
  const record = ({ task, group, sample, reward, trajectory, marks = [] }: ScoredRollout): RolloutRecord => ({
    task,
    group,
    sample,
    reward,
    trajectory: trajectory.toJSON(),
    policyVersion: batch.policyVersion,
    marks,
  });
  const greedy = batch.greedy?.map((rollout) => ({ ...record(rollout), greedy: true as const })) ?? [];
  const rollouts = batch.rollouts.map((rollout, i) => ({
    ...record(rollout),
    ...(advantages && advantagesOf(rollout, advantages, i)),
  }));
  return [...rollouts, ...greedy];
}

function advantagesOf(
  { trajectory }: ScoredRollout,
  { perRollout, perToken, tokens }: RecordedAdvantages,
  place: number,
): Pick<RolloutRecord, "advantage" | "tokenAdvantages"> {
  const advantage = perRollout[place]!;
  const values = perToken?.[place];
  if (!values) return { advantage };
  let trained = 0;
  const tokenAdvantages = trajectory.ids.map((_, i) =>
    isTrained(trajectory, i, tokens) ? (values[trained++] ?? null) : null,
  );
  return { advantage, tokenAdvantages };
}

/**
 * The rollouts of a recorded step.
 *
 * @param step the step they were made for, from 1.
 * @throws RecordingError when none were recorded, InvalidInputError naming a damaged one.
 */
export async function readRolloutRecords(run: Run, step: number): Promise<RolloutRecord[]> {
  const records = await run.rollouts(step, recordSchema);
  if (!records.length) {
    const steps = await run.rolloutSteps();
    if (steps.includes(step))
      throw new RecordingError(`Run ${run.id}: rollouts/step-${String(step).padStart(6, "0")}.jsonl is empty.`);
    throw new RecordingError(
      `Run ${run.id} has no rollouts of step ${step}.`,
      `Recorded steps: ${steps.join(", ") || "none"}.`,
    );
  }
  return records as unknown as RolloutRecord[];
}

/** A recorded rollout's trajectory, as it was. */
export function trajectoryOf(
  tokenizer: Tokenizer,
  { group, sample, trajectory }: RolloutRecord,
  step: number,
): Trajectory {
  return Trajectory.fromJSON(tokenizer, trajectory, `Recorded rollout ${group}/${sample} of step ${step}`);
}

/** The batch of a recorded step with the rewards of then. */
export function batchOf(
  tokenizer: Tokenizer,
  records: readonly RolloutRecord[],
  step: number,
  { maxToolCalls }: { maxToolCalls: number },
): Batch {
  const scored = (record: RolloutRecord): ScoredRollout => {
    const { task, group, sample, reward } = record;
    return { task, group, sample, reward, trajectory: trajectoryOf(tokenizer, record, step) };
  };
  const greedy = records.filter((record) => record.greedy).map(scored);
  return {
    step: step - 1,
    policyVersion: records[0]!.policyVersion,
    maxToolCalls,
    rollouts: records.filter((record) => !record.greedy).map(scored),
    dropped: 0,
    ...(greedy.length > 0 && { greedy }),
  };
}
