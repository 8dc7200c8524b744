import type { ScoredRollout } from "../batch.ts";

/** What a filter does to one rollout; undefined: nothing. */
export type Verdict =
  /** Its tokens leave the loss. */
  | { readonly mask: true; readonly reason: string }
  /** Its reward changes by this much, which is negative. */
  | { readonly penalty: number; readonly reason: string }
  | undefined;

/** Looks at a scored batch, groups and all, and says what happens to each of its rollouts, in their order. */
export type Judge<Options> = (rollouts: readonly ScoredRollout[], options: Options) => Verdict[];
