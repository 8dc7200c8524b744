import { displaySymbol } from "../../display/host.ts";
import { table, withDisplay } from "../../display/index.ts";
import { type Guard, type GuardSettings, guardName, guardsSchema } from "./guard.ts";
import type { GuardAction } from "./types.ts";

export interface DefaultGuardsOptions {
  /** What a spike of the gradient norm does. Default `"alert"`. */
  readonly onSpike?: "alert" | "skip";
  /** What signs of a collapse do: reward, entropy or KL far from what they were. Default `"alert"`. */
  readonly onCollapse?: Exclude<GuardAction, "skip">;
}

/**
 * The usual guards, each with the reason for its limit. As they are they change no training, they only tell.
 *
 * @example
 * new Trainer({ ..., guards: guards.default({ onSpike: "skip", onCollapse: "rollback" }) });
 */
function defaultGuards({ onSpike = "alert", onCollapse = "alert" }: DefaultGuardsOptions = {}): Guard[] {
  const settings: GuardSettings[] = [
    {
      metric: "gradNorm",
      zScore: 8,
      action: onSpike,
      reason: "healthy steps stay within a few deviations; a spike comes from single rollouts and precedes collapses",
    },
    {
      metric: "entropy",
      zScore: 6,
      action: onCollapse,
      reason: "entropy falls slowly in a healthy run; a sudden rise is the first sign that the policy falls apart",
    },
    {
      metric: "entropy",
      below: 0.005,
      patience: 3,
      reason: "nothing is explored any more; a trained tiny policy keeps about 0.1 nats",
    },
    {
      metric: "reward",
      zScore: -6,
      action: onCollapse,
      patience: 2,
      reason: "batches differ by chance by a few deviations, not twice in a row by six",
    },
    {
      metric: "kl",
      above: 0.02,
      action: onCollapse,
      reason: "an on-policy step moves by less than 0.01; one of 0.02 can ruin a policy",
    },
    {
      metric: "kl",
      zScore: 12,
      action: onCollapse,
      reason: "a step far larger than usual: a slow collapse shows here before the reward falls",
    },
    {
      metric: "refKl",
      above: 1,
      patience: 3,
      reason: "one nat per token from the reference: the penalty does not hold the policy",
    },
    { metric: "ratioMax", above: 20, reason: "a token twenty times as likely as when it was sampled: a broken step" },
    {
      metric: "responseLength",
      zScore: 8,
      patience: 2,
      reason: "lengths drift; a jump means loops or a lost stop token",
    },
    { metric: "truncated", above: 0.5, patience: 3, reason: "most answers are cut: rewards say nothing of them" },
    { metric: "repetition", above: 0.2, patience: 2, reason: "a fifth of the rollouts goes round in circles" },
    {
      metric: "toolErrors",
      above: 0.9,
      patience: 3,
      reason: "code that hardly ever runs teaches to leave code; the interpreter may be at fault",
    },
    {
      metric: "forgedOutput",
      above: 0.3,
      patience: 3,
      reason: "a starved budget makes for up to 0.2; above that outputs are invented instead of computed",
    },
    {
      metric: "zeroVariance",
      above: 0.95,
      patience: 5,
      reason: "hardly a prompt teaches anything: too hard, or solved",
    },
  ];
  return withDisplay(guardsSchema.parse(settings), guardsBundle);
}

/** Guards as a table. */
const guardsBundle = (all: readonly Guard[]) =>
  table(
    all.map((guard) => ({
      guard: guardName(guard),
      action: guard.action,
      patience: guard.patience,
      why: guard.reason ?? "",
    })),
    { caption: "Guards" },
  )[displaySymbol]();

/** Sets of guards. */
export const guards = { default: defaultGuards };
