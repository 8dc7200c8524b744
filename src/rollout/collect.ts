import { setMaxListeners } from "node:events";
import { InfrastructureError, InterruptedError } from "../base/errors.ts";
import { uniformAt } from "../base/random.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import { BatchDecoder, type Feed, type Sequence } from "../policy/decoder.ts";
import { checkSampling, inverseTemperature, type SamplingOptions, sampleToken } from "../policy/sampling.ts";
import type { Tokenizer } from "../policy/tokenizer.ts";
import type { RolloutKeys, ToolSchema } from "./agents/agent.ts";
import { AgentDesk } from "./agents/desk.ts";
import { type Writer, Writers } from "./agents/writers.ts";
import type { BoundaryName } from "./boundary.ts";
import { RolloutCells } from "./cells.ts";
import type { Task } from "./tasks/index.ts";
import { Trajectory, type TrajectoryLimits } from "./trajectory.ts";

/** One rollout to be made; its noise depends on its numbers and the token's position alone. */
export interface RolloutRequest extends RolloutKeys {
  readonly prompt: readonly number[];
  /** What the prompt asks, for agents that look at it. */
  readonly task?: Task;
  /** Goes on from here in place of the prompt; the trajectory itself is written on, with the limits it has. */
  readonly begun?: Trajectory;
}

/** What rollouts need of an interpreter, or of a tool box in its place. */
export interface ToolInterpreter extends Pick<CodeInterpreter, "run" | "session" | "feedback"> {
  /** How the policy asks for it. Default `"code"`. */
  readonly boundary?: BoundaryName;
  /** Typed tools, for agents that take them in the form of chat APIs. */
  readonly schemas?: readonly ToolSchema[];
}

/** A rollout's limits with the format that its interpreter asks for; as they are for code. */
export function limitsFor({ boundary }: ToolInterpreter, limits: TrajectoryLimits): TrajectoryLimits {
  return boundary === undefined ? limits : { ...limits, boundary };
}

export interface CollectOptions extends SamplingOptions {
  readonly policy: Writer;
  /** For agents' rollouts, which have no policy to bring one. */
  readonly tokenizer?: Tokenizer | undefined;
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
  /** Its place in the decoder, where there is a network. */
  readonly sequence: Sequence | undefined;
  readonly cells: RolloutCells;
  /** An execution, or an agent's turn, is under way. */
  waiting: boolean;
  /** The length at which it was last settled who writes on. */
  decidedAt: number;
}

/** A row that the network writes on. */
interface SampledRow extends Row {
  readonly sequence: Sequence;
}

/**
 * Makes rollouts in one continuous batch: tools run and agents write while other rows go on decoding, and a row's tokens
 * depend neither on its batch mates nor on the order in which tools and agents return.
 *
 * @returns one trajectory per request, in the order of the requests. A rollout whose tool or agent failed for reasons of
 * infrastructure ends with stop reason `infrastructure`.
 * @throws InterruptedError when the signal is aborted; nothing is kept.
 */
export async function collectTrajectories(options: CollectOptions): Promise<Trajectory[]> {
  const { interpreter, requests, limits, seed, stream = "sampling", stateful = false, signal } = options;
  const sampling = checkSampling(options);
  const writers = new Writers(options.policy, options.tokenizer);
  const { network, agent, tokenizer } = writers;
  const results: Trajectory[] = new Array(requests.length);
  if (!requests.length) return results;
  const desk = agent && new AgentDesk(agent, { ...sampling, seed, tools: interpreter.schemas, isAlone: !network });
  const decoder = network && (await BatchDecoder.start(network, Math.min(requests.length, maxConcurrent)));
  const capacity = decoder?.capacity ?? Math.min(maxConcurrent, agent!.concurrency);
  const rows = new Set<Row>();
  /** Executions and agents' turns. */
  const executions = new Set<Promise<void>>();
  const closings: Promise<void>[] = [];
  const stopTools = new AbortController();
  // Every execution under way listens to it.
  setMaxListeners(0, stopTools.signal);
  let next = 0;
  let finished = 0;

  const admit = () => {
    while (rows.size < capacity && next < requests.length) {
      const request = requests[next]!;
      const trajectory = request.begun ?? new Trajectory(tokenizer, request.prompt, limitsFor(interpreter, limits));
      const rolloutId = `${request.step}/${request.promptIndex}/${request.sampleIndex}`;
      const executed = trajectory.toolCalls.map(({ code }) => code);
      const cells = executed.length
        ? RolloutCells.after(interpreter, { rolloutId, stateful }, executed)
        : RolloutCells.of(interpreter, { rolloutId, stateful });
      const row: Row = {
        index: next,
        request,
        trajectory,
        sequence: decoder?.add(),
        cells,
        waiting: false,
        decidedAt: -1,
      };
      rows.add(row);
      goOn(row);
      next++;
    }
  };
  const settle = (row: Row) => {
    if (!row.trajectory.done) return;
    results[row.index] = row.trajectory;
    if (row.sequence) decoder?.remove(row.sequence);
    rows.delete(row);
    closings.push(row.cells.close());
    options.onProgress?.(++finished);
  };
  let failure: unknown;
  const waitFor = (row: Row, task: Promise<void>) => {
    row.waiting = true;
    const work = task
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => {
        row.waiting = false;
        executions.delete(work);
        // What follows is nobody's business any more once the collection has ended.
        if (!stopTools.signal.aborted && !failure) goOn(row);
      });
    executions.add(work);
  };
  /** Sets off what a row needs before the network can write on. */
  const goOn = (row: Row) => {
    const { trajectory, request } = row;
    if (trajectory.done) return settle(row);
    if (trajectory.pendingCode !== null) return waitFor(row, runTool(row, interpreter, stopTools.signal));
    if (!desk || (network && row.decidedAt === trajectory.length)) return;
    row.decidedAt = trajectory.length;
    if (writers.isAgentNext(trajectory, { task: request.task, keys: request, seed }))
      waitFor(row, writeTurn(row, desk, stopTools.signal));
  };
  const interrupted = new Promise<void>((resolve) =>
    signal?.addEventListener("abort", () => resolve(), { once: true, signal: stopTools.signal }),
  );

  try {
    for (admit(); rows.size; admit()) {
      if (failure) throw failure;
      if (signal?.aborted) throw new InterruptedError("The collection of rollouts was interrupted; nothing was kept.");
      const ready = [...rows].filter((row): row is SampledRow => !row.waiting && row.sequence !== undefined);
      // A step costs nearly the same for few rows as for many: let tools come back before a thin one.
      if (!decoder || (executions.size && ready.length < rows.size / 2)) {
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
        goOn(row);
      });
    }
  } finally {
    stopTools.abort();
    await Promise.allSettled(executions);
    await Promise.allSettled([...closings, ...[...rows].map(({ cells }) => cells.close())]);
    await decoder?.close();
  }
  return results;
}

/** Runs a row's pending code and appends what came of it. */
function runTool({ trajectory, cells }: Row, interpreter: ToolInterpreter, signal: AbortSignal): Promise<void> {
  return endingWith(trajectory, async () => {
    const result = await cells.run(trajectory.pendingCode!, signal);
    if (result.status === "infrastructure") trajectory.stop("infrastructure", result.stderr || undefined);
    else trajectory.acceptToolOutput(result, interpreter.feedback(result));
  });
}

/** Has the agent write a row's next turn. */
function writeTurn({ trajectory, request }: Row, desk: AgentDesk, signal: AbortSignal): Promise<void> {
  return endingWith(trajectory, async () => {
    const draft = await desk.ask(trajectory, { task: request.task, keys: request, signal });
    while (draft.place(trajectory));
  });
}

/** A failure of infrastructure, or an interrupt, ends the rollout and not the collection. */
async function endingWith(trajectory: Trajectory, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof InfrastructureError) trajectory.stop("infrastructure", error.message);
    else if (error instanceof InterruptedError) trajectory.stop("interrupted");
    else throw error;
  }
}
