import type { ExecutionResult } from "../../src/interpreter/types.ts";
import type { Tokenizer } from "../../src/policy/tokenizer.ts";
import { Trajectory } from "../../src/rollout/trajectory.ts";
import type { Batch, ScoredRollout } from "../../src/training/batch.ts";

export interface RolloutSketch {
  /** What the policy writes; each block of code in it is run as it is completed. */
  readonly text: string;
  readonly group?: number;
  readonly sample?: number;
  readonly reward?: number;
  readonly status?: ExecutionResult["status"];
  /** Python's name of the error that each execution ended in. */
  readonly error?: string;
  /** What the policy reads of each execution. Default "2". */
  readonly feedback?: string;
  readonly maxLength?: number;
  readonly maxToolCalls?: number;
}

/** A rollout that a policy might have sampled, token for token. */
export function sketch(tokenizer: Tokenizer, rollout: RolloutSketch): ScoredRollout {
  const { text, group = 0, sample = 0, reward = 0, status = "ok", feedback = "2", error } = rollout;
  const { maxLength = 96, maxToolCalls = 3 } = rollout;
  const trajectory = new Trajectory(tokenizer, tokenizer.encode("1+1=?"), { maxLength, maxToolCalls });
  for (const id of [...tokenizer.encode(text), tokenizer.eosId]) {
    if (trajectory.done) break;
    trajectory.acceptSampled(id, -0.5, 0.7);
    if (trajectory.pendingCode === null) continue;
    const result: ExecutionResult = {
      status,
      exitCode: 0,
      stdout: "2\n",
      stderr: "",
      durationMs: 1,
      queuedMs: 0,
      peakMemoryMb: null,
      truncated: false,
      ...(error !== undefined && { error: { name: error, message: "", lastLine: error, traceback: error } }),
    };
    trajectory.acceptToolOutput(result, feedback);
  }
  const task = { id: `task-${group}`, prompt: "1+1=?", answer: "2", family: "test" };
  return { task, group, sample, trajectory, reward: { reward, correct: reward > 0, detail: {} } };
}

/** A batch of such rollouts; samples are numbered within their groups. */
export function sketchBatch(tokenizer: Tokenizer, sketches: readonly RolloutSketch[]): Batch {
  const counts = new Map<number, number>();
  const rollouts = sketches.map((one) => {
    const group = one.group ?? 0;
    const sample = counts.get(group) ?? 0;
    counts.set(group, sample + 1);
    return sketch(tokenizer, { sample, ...one });
  });
  return { step: 0, policyVersion: 0, maxToolCalls: 3, rollouts, dropped: 0 };
}
