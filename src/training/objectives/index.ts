import { z } from "zod";
import { ownPart } from "../parts/named.ts";
import { type ObjectiveFunction, OwnObjective, objective } from "../parts/own-objective.ts";
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

const names = Object.keys(policyLosses) as [PolicyLossName, ...PolicyLossName[]];

/** A policy loss by name, or one of the user's own. */
export const policyLossSchema = z.union([
  z.enum(names),
  ownPart<OwnObjective, ObjectiveFunction>(OwnObjective, objective),
]);

export type PolicyLossChoice = z.output<typeof policyLossSchema>;

/** The loss that a configuration names. */
export const policyLossOf = (choice: PolicyLossChoice): PolicyLoss =>
  typeof choice === "string" ? policyLosses[choice] : choice;

/** What a loss is called, and what tells its programs from those of others. */
export const policyLossName = (choice: PolicyLossChoice): string =>
  typeof choice === "string" ? choice : `${choice.name} ${choice.hash}`;
