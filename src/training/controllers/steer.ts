import { scheduledSettings, type TrainerConfig } from "../config.ts";
import { type ControllerStates, lookAll, stateOf, textOf } from "./index.ts";
import { lookReset } from "./reference-reset.ts";
import type { CourseChange, Outcome } from "./types.ts";

/** What steering changes. */
export interface Steered {
  controllers: ControllerStates;
  /** Moves the reference policy towards the policy by a share of the way; nothing where none is kept. */
  moveReference(share: number): Promise<void>;
  resetOptimizer(): Promise<void>;
}

/**
 * Lets triggers, adaptive coefficients and the reference policy follow a step. What they decide holds from the next step on.
 *
 * @returns what triggers and resets changed.
 */
export async function steer(
  config: TrainerConfig,
  steered: Steered,
  outcome: Outcome,
): Promise<readonly CourseChange[]> {
  const { states, changes } = lookAll(scheduledSettings(config), steered.controllers, outcome);
  const { reference } = config;
  const of = textOf(reference);
  const known = stateOf(steered.controllers, "reference", of, "plateau");
  const { reason, state } = lookReset(reference, of, known, outcome);
  const { optimizer } = steered.controllers;
  steered.controllers = { ...states, ...(state && { reference: state }), ...(optimizer && { optimizer }) };
  if (reference === "fixed") return changes;
  if ("ema" in reference) await steered.moveReference(1 - reference.ema);
  if (reason === undefined || "ema" in reference) return changes;
  await steered.moveReference(1);
  if (reference.resetOptimizer) {
    await steered.resetOptimizer();
    const restart = { kind: "restart", of: "", step: outcome.step } as const;
    steered.controllers = { ...steered.controllers, optimizer: restart };
  }
  const also = reference.resetOptimizer ? ", the optimizer's moments are cleared" : "";
  const text = `the reference policy is reset to the policy${also}: ${reason}`;
  return [...changes, { step: outcome.step, setting: "reference", text }];
}
