/** Mime type of {@link RolloutsOutput}: rollouts that a viewer shows with all their figures. */
export const rolloutsMimeType = "application/vnd.cirlab.rollouts+json";

/** Figures of single tokens that a viewer knows by name; others are shown under their own. */
export type TokenFigure =
  | "logprob"
  | "entropy"
  | "advantage"
  | "ratio"
  | "clipped"
  | "refLogprob"
  | "value"
  | "return"
  | "lossTerm";

/** One execution in a rollout, as it is shown. */
export interface ToolCallView {
  readonly code: string;
  /** `ok`, `error`, `timeout`, ... */
  readonly status: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly error?: { readonly name: string; readonly message: string } | undefined;
  /** What the policy read. */
  readonly feedback: string;
  /** Token indices of the appended output, end excluded. */
  readonly start: number;
  readonly end: number;
  readonly durationMs?: number | undefined;
  /** A person replaced the output. */
  readonly edited: boolean;
}

/** What filters did to a rollout. */
export interface FilterMarkView {
  readonly filter: string;
  readonly reason: string;
  readonly masked: boolean;
  readonly penalty?: number | undefined;
}

/** One rollout with everything that is shown of it. Plain data, small enough for a saved notebook. */
export interface RolloutView {
  readonly group: number;
  readonly sample: number;
  /** Sampled greedily, for an estimator to compare with. */
  readonly greedy?: boolean | undefined;
  readonly task: { readonly id: string; readonly prompt: string; readonly answer: string; readonly family: string };
  /** Absent before it was judged. */
  readonly reward?:
    | { readonly reward: number; readonly correct: boolean; readonly detail: Readonly<Record<string, unknown>> }
    | undefined;
  readonly turnRewards?: readonly { readonly kind: string; readonly reward: number }[] | undefined;
  readonly marks?: readonly FilterMarkView[] | undefined;
  /** Null while it goes on. */
  readonly stopReason: string | null;
  readonly failure?: string | undefined;
  readonly policyVersion?: number | undefined;
  /** The rollout's own advantage; the mean where its tokens differ. */
  readonly advantage?: number | undefined;
  readonly ids: readonly number[];
  /** Text of each token; special tokens have their names. */
  readonly texts: readonly string[];
  /** Who wrote the tokens, in runs: `["prompt", 12]` is twelve tokens. */
  readonly sources: readonly (readonly [source: string, count: number])[];
  /** One value a token, null where there is none; a figure that nobody recorded is absent. */
  readonly figures: Readonly<Record<string, readonly (number | null)[]>>;
  readonly toolCalls: readonly ToolCallView[];
}

/** What an output of {@link rolloutsMimeType} holds. */
export interface RolloutsOutput {
  readonly title: string;
  readonly rollouts: readonly RolloutView[];
  /** Rollouts in all, where only the first are here. */
  readonly total?: number | undefined;
}

/** A rollout as the lab keeps it and as recordings hold it: what the view is made of. */
export interface ViewedRollout {
  readonly group?: number;
  readonly sample?: number;
  readonly greedy?: boolean | undefined;
  readonly task: { readonly id: string; readonly prompt: string; readonly answer: string; readonly family: string };
  readonly reward?:
    | {
        readonly reward: number;
        readonly correct: boolean;
        readonly detail?: Readonly<Record<string, unknown>> | undefined;
        readonly turnRewards?: readonly { readonly kind: string; readonly reward: number }[] | undefined;
      }
    | undefined;
  readonly trajectory: {
    readonly ids: readonly number[];
    readonly sources: readonly string[];
    readonly logprobs: readonly (number | null)[];
    readonly entropies: readonly (number | null)[];
    readonly stopReason: string | null;
    readonly failure?: string | undefined;
    readonly toolCalls: readonly {
      readonly code: string;
      readonly result: {
        readonly status: string;
        readonly stdout: string;
        readonly stderr: string;
        readonly error?: { readonly name: string; readonly message: string } | undefined;
        readonly durationMs?: number | undefined;
      };
      readonly feedback: string;
      readonly start: number;
      readonly end: number;
      readonly edited?: boolean | undefined;
    }[];
  };
  readonly marks?: readonly FilterMarkView[] | undefined;
  readonly policyVersion?: number | undefined;
  /** The rollout's, and where they differ also its trained tokens'. */
  readonly advantage?: number | undefined;
  readonly tokenAdvantages?: readonly (number | null)[] | undefined;
}

/** Six digits: what hovering shows, without the rest of a float32 in every saved notebook. */
const short = (value: number | null): number | null =>
  value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(6));

/**
 * A rollout as viewers show it.
 *
 * @param nameOf a token's text, or what stands for a special token.
 * @param figures further figures, one value a token.
 */
export function rolloutView(
  rollout: ViewedRollout,
  nameOf: (id: number) => string,
  figures: Readonly<Record<string, readonly (number | null)[]>> = {},
): RolloutView {
  const { group = 0, sample = 0, greedy, task, reward, trajectory, marks, policyVersion, advantage } = rollout;
  const { ids, sources, logprobs, entropies, toolCalls, stopReason, failure } = trajectory;
  const perToken = rollout.tokenAdvantages ?? sharedAdvantage(rollout);
  const all = {
    logprob: logprobs,
    entropy: entropies,
    ...(perToken && { advantage: perToken }),
    ...figures,
  };
  return {
    group,
    sample,
    ...(greedy && { greedy }),
    task: { id: task.id, prompt: task.prompt, answer: task.answer, family: task.family },
    ...(reward && { reward: { reward: reward.reward, correct: reward.correct, detail: reward.detail ?? {} } }),
    ...(reward?.turnRewards && { turnRewards: reward.turnRewards }),
    ...(marks?.length && { marks }),
    stopReason,
    ...(failure !== undefined && { failure }),
    ...(policyVersion !== undefined && { policyVersion }),
    ...(advantage !== undefined && { advantage }),
    ids,
    texts: ids.map(nameOf),
    sources: runsOf(sources),
    figures: Object.fromEntries(Object.entries(all).map(([name, values]) => [name, values.map(short)])),
    toolCalls: toolCalls.map(({ code, result, feedback, start, end, edited = false }) => ({
      ...{ code, feedback, start, end, edited },
      status: result.status,
      stdout: result.stdout,
      stderr: result.stderr,
      ...(result.error && { error: { name: result.error.name, message: result.error.message } }),
      ...(result.durationMs !== undefined && { durationMs: result.durationMs }),
    })),
  };
}

/** All sampled tokens of a rollout share its advantage where no more is known. */
function sharedAdvantage({ advantage, trajectory }: ViewedRollout): (number | null)[] | undefined {
  if (advantage === undefined) return undefined;
  return trajectory.sources.map((source) => (source === "sampled" ? advantage : null));
}

function runsOf(sources: readonly string[]): [string, number][] {
  const runs: [string, number][] = [];
  for (const source of sources) {
    const last = runs.at(-1);
    if (last?.[0] === source) last[1]++;
    else runs.push([source, 1]);
  }
  return runs;
}

/**
 * What became of a rollout, in one word to sort and filter by: `correct`, why it was cut, how its last execution failed
 * (an error's own name), or `wrong answer`.
 */
export function outcomeOf({ reward, stopReason, toolCalls }: RolloutView): string {
  if (reward?.correct) return "correct";
  if (stopReason === null) return "open";
  if (stopReason === "infrastructure" || stopReason === "interrupted" || stopReason === "filtered") return stopReason;
  if (stopReason === "maxTokens") return "too long";
  const last = toolCalls.at(-1);
  if (last && last.status !== "ok") return last.error?.name ?? last.status;
  return "wrong answer";
}
