import { cispo } from "./cispo.ts";
import { clipCov } from "./clip-cov.ts";
import { gspo } from "./gspo.ts";
import { klCov } from "./kl-cov.ts";
import { offPolicyClip } from "./off-policy-clip.ts";
import { policyGradient } from "./policy-gradient.ts";
import { ppoClip } from "./ppo-clip.ts";
import { sapo } from "./sapo.ts";
import type { PolicyLoss } from "./types.ts";

/** Policy losses by name. */
export const policyLosses = {
  "ppo-clip": ppoClip,
  gspo,
  cispo,
  sapo,
  "clip-cov": clipCov,
  "kl-cov": klCov,
  "off-policy-clip": offPolicyClip,
  "policy-gradient": policyGradient,
} as const satisfies Readonly<Record<string, PolicyLoss>>;

export type PolicyLossName = keyof typeof policyLosses;

export const policyLossNames = Object.keys(policyLosses) as [PolicyLossName, ...PolicyLossName[]];
