import { z } from "zod";
import { formatNumber } from "../../display/index.ts";
import { type Schedule, scheduled } from "../schedule.ts";
import { type AdaptiveEntropy, entropyStateSchema, lookEntropy } from "./adaptive-entropy.ts";
import { type AdaptiveKl, klStateSchema, lookKl } from "./adaptive-kl.ts";
import { plateauStateSchema, restartStateSchema } from "./reference-reset.ts";
import { lookTrigger, type Triggered, triggerReason, triggerStateSchema } from "./trigger.ts";
import type { CourseChange, Outcome } from "./types.ts";

/** What a controller remembers from step to step; `of` is its setting as JSON: one that was changed begins anew. */
const stateSchema = z.discriminatedUnion("kind", [
  triggerStateSchema,
  klStateSchema,
  entropyStateSchema,
  plateauStateSchema,
  restartStateSchema,
]);

type ControllerState = z.infer<typeof stateSchema>;

/** States of controllers by their settings: plain JSON, part of a checkpoint. */
export const controllerStatesSchema = z.record(z.string(), stateSchema);
export type ControllerStates = Readonly<Record<string, ControllerState>>;

/** A hyperparameter that follows the steps, or what they measured. */
export type Controlled = Schedule | AdaptiveKl | AdaptiveEntropy;

/** The state that belongs to a setting as it is now. */
export function stateOf<K extends ControllerState["kind"]>(
  states: ControllerStates,
  name: string,
  of: string,
  kind: K,
): Extract<ControllerState, { kind: K }> | undefined {
  const state = states[name];
  return state?.of === of && state.kind === kind ? (state as Extract<ControllerState, { kind: K }>) : undefined;
}

/** Steps that the optimizer has been at work when a step (0-based) begins. */
export function optimizerAge(step: number, states: ControllerStates): number {
  const restarted = stateOf(states, "optimizer", "", "restart")?.step ?? 0;
  return restarted <= step ? step - restarted : step;
}

/** A setting as a state knows it. */
export const textOf = (setting: unknown): string => JSON.stringify(setting);

/** A hyperparameter's value at a step (0-based), with its controller as it stands. */
export function valueAt(name: string, setting: Controlled, step: number, states: ControllerStates): number {
  if (isTriggered(setting)) return setting.values[stateOf(states, name, textOf(setting), "trigger")?.index ?? 0]!;
  if (!isAdaptive(setting)) return scheduled(setting, step);
  const kind = isKl(setting) ? "kl" : "entropy";
  return stateOf(states, name, textOf(setting), kind)?.value ?? setting.adaptive.initial;
}

const isTriggered = (setting: Controlled): setting is Triggered => typeof setting === "object" && "when" in setting;
const isAdaptive = (setting: Controlled): setting is AdaptiveKl | AdaptiveEntropy =>
  typeof setting === "object" && "adaptive" in setting;
const isKl = (setting: AdaptiveKl | AdaptiveEntropy): setting is AdaptiveKl => "horizon" in setting.adaptive;

/**
 * Lets every controller look at a step.
 *
 * @returns their states, and what triggers changed.
 */
export function lookAll(
  settings: Readonly<Record<string, Controlled>>,
  states: ControllerStates,
  outcome: Outcome,
): { readonly states: ControllerStates; readonly changes: readonly CourseChange[] } {
  const after: Record<string, ControllerState> = {};
  const changes: CourseChange[] = [];
  for (const [name, setting] of Object.entries(settings)) {
    const of = textOf(setting);
    if (isTriggered(setting)) {
      const before = stateOf(states, name, of, "trigger");
      const state = lookTrigger(setting, of, before, outcome);
      after[name] = state;
      if (state.index === (before?.index ?? 0)) continue;
      const [from, to] = [setting.values[state.index - 1]!, setting.values[state.index]!];
      const why = triggerReason(setting, before, outcome);
      const text = `${name} goes from ${formatNumber(from)} to ${formatNumber(to)}: ${why}`;
      changes.push({ step: outcome.step, setting: name, from, to, text });
    } else if (isAdaptive(setting))
      after[name] = isKl(setting)
        ? lookKl(setting, of, stateOf(states, name, of, "kl"), outcome)
        : lookEntropy(setting, of, stateOf(states, name, of, "entropy"), outcome);
  }
  return { states: after, changes };
}
