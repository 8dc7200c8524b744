import { setMaxListeners } from "node:events";
import { InfrastructureError, InterruptedError } from "../base/errors.ts";
import { uniformAt } from "../base/random.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import { BatchDecoder, type DecoderModel, type Feed, type Sequence } from "../policy/decoder.ts";
import { checkSampling, inverseTemperature, type SamplingOptions, sampleToken } from "../policy/sampling.ts";
import type { Tokenizer } from "../policy/tokenizer.ts";
import type { BoundaryName } from "./boundary.ts";
import { RolloutCells } from "./cells.ts";
import { Trajectory, type TrajectoryLimits } from "./trajectory.ts";

/** What collection needs of a policy. */
export interface RolloutPolicy extends DecoderModel {
  readonly tokenizer: Tokenizer;
}

/** One rollout to be made; its noise depends on these numbers and the token's position alone. */
export interface RolloutRequest {
  readonly prompt: readonly number[];
  /** Training step or another number that tells batches apart. */
  readonly step: number;
  /** Which prompt of the batch. */
  readonly promptIndex: number;
  /** Which sample of the prompt. */
  readonly sampleIndex: number;
}

/** What rollouts need of an interpreter, or of a tool box in its place. */
export interface ToolInterpreter extends Pick<CodeInterpreter, "run" | "session" | "feedback"> {
  /** How the policy asks for it. Default `"code"`. */
  readonly boundary?: BoundaryName;
}

/** A rollout's limits with the format that its interpreter asks for; as they are for code. */
export function limitsFor({ boundary }: ToolInterpreter, limits: TrajectoryLimits): TrajectoryLimits {
  return boundary === undefined ? limits : { ...limits, boundary };
}

export interface CollectOptions extends SamplingOptions {
  readonly policy: RolloutPolicy;
  readonly interpreter: ToolInterpreter;
  readonly requests: readonly RolloutRequest[];
  readonly limits: TrajectoryLimits;
  /** A rollout's cells share variables. Default false: each cell starts anew. */
  readonly stateful?: boolean;
  /** Root seed of the sampling noise. */
  readonly seed: number;
  /** Name of the noise stream. Default `"sampling"`. */
  readonly stream?: string;
  readonly signal?: AbortSignal;
  /** Called with the number of finished rollouts. */
  readonly onProgress?: (finished: number) => void;
}

/** How many sequences are decoded at once. */
const maxConcurrent = 256;

interface Row {
  readonly index: number;
  readonly request: RolloutRequest;
  readonly trajectory: Trajectory;
  readonly sequence: Sequence;
  readonly cells: RolloutCells;
  /** An execution is under way. */
  waiting: boolean;
}

/**
 * Makes rollouts in one continuous batch: tools run while other rows go on decoding, and a row's tokens depend neither
 * on its batch mates nor on the order in which tools return.
 *
 * @returns one trajectory per request, in the order of the requests. A rollout whose tool failed for reasons of
 * infrastructure ends with stop reason `infrastructure`.
 * @throws InterruptedError when the signal is aborted; nothing is kept.
 */
export async function collectTrajectories(options: CollectOptions): Promise<Trajectory[]> {
  const { policy, interpreter, requests, limits, seed, stream = "sampling", stateful = false, signal } = options;
  const sampling = checkSampling(options);
  const results: Trajectory[] = new Array(requests.length);
  if (!requests.length) return results;
  const decoder = await BatchDecoder.start(policy, Math.min(requests.length, maxConcurrent));
  const rows = new Set<Row>();
  const executions = new Set<Promise<void>>();
  const closings: Promise<void>[] = [];
  const stopTools = new AbortController();
  // Every execution under way listens to it.
  setMaxListeners(0, stopTools.signal);
  let next = 0;
  let finished = 0;

  const admit = () => {
    while (rows.size < decoder.capacity && next < requests.length) {
      const request = requests[next]!;
      const trajectory = new Trajectory(policy.tokenizer, request.prompt, limitsFor(interpreter, limits));
      const rolloutId = `${request.step}/${request.promptIndex}/${request.sampleIndex}`;
      const cells = RolloutCells.of(interpreter, { rolloutId, stateful });
      rows.add({ index: next, request, trajectory, sequence: decoder.add(), cells, waiting: false });
      next++;
    }
  };
  const settle = (row: Row) => {
    if (!row.trajectory.done) return;
    results[row.index] = row.trajectory;
    decoder.remove(row.sequence);
    rows.delete(row);
    closings.push(row.cells.close());
    options.onProgress?.(++finished);
  };
  let failure: unknown;
  const execute = (row: Row) => {
    row.waiting = true;
    const work = runTool(row, interpreter, stopTools.signal)
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => {
        row.waiting = false;
        executions.delete(work);
        settle(row);
      });
    executions.add(work);
  };
  const interrupted = new Promise<void>((resolve) =>
    signal?.addEventListener("abort", () => resolve(), { once: true, signal: stopTools.signal }),
  );

  try {
    for (admit(); rows.size; admit()) {
      if (failure) throw failure;
      if (signal?.aborted) throw new InterruptedError("The collection of rollouts was interrupted; nothing was kept.");
      const ready = [...rows].filter((row) => !row.waiting);
      // A step costs nearly the same for few rows as for many: let tools come back before a thin one.
      if (executions.size && ready.length < rows.size / 2) {
        await Promise.race([...executions, interrupted]);
        continue;
      }
      const feeds: Feed[] = ready.map((row) => ({
        sequence: row.sequence,
        token: row.trajectory.ids[row.sequence.position]!,
      }));
      const predicted = await decoder.step(feeds, inverseTemperature(sampling.temperature));
      ready.forEach((row, i) => {
        const { trajectory, sequence, request } = row;
        const logprobs = predicted.logprobs(i);
        if (sequence.position < trajectory.length) {
          trajectory.noteForced(sequence.position, logprobs[trajectory.ids[sequence.position]!]!, predicted.entropy(i));
          return;
        }
        const { step, promptIndex, sampleIndex } = request;
        const noise = uniformAt(seed, stream, step, promptIndex, sampleIndex, sequence.position);
        const id = sampleToken(logprobs, noise, sampling);
        trajectory.acceptSampled(id, logprobs[id]!, predicted.entropy(i));
        if (trajectory.pendingCode !== null) execute(row);
        else settle(row);
      });
    }
  } finally {
    stopTools.abort();
    await Promise.allSettled(executions);
    await Promise.allSettled([...closings, ...[...rows].map(({ cells }) => cells.close())]);
    await decoder.close();
  }
  return results;
}

/** Runs a row's pending code and appends what came of it. */
async function runTool(row: Row, interpreter: ToolInterpreter, signal: AbortSignal): Promise<void> {
  const { trajectory, cells } = row;
  try {
    const result = await cells.run(trajectory.pendingCode!, signal);
    if (result.status === "infrastructure") trajectory.stop("infrastructure");
    else trajectory.acceptToolOutput(result, interpreter.feedback(result));
  } catch (error) {
    if (!(error instanceof InfrastructureError) && !(error instanceof InterruptedError)) throw error;
    trajectory.stop(error instanceof InterruptedError ? "interrupted" : "infrastructure");
  }
}
