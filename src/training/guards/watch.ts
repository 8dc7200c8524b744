import { formatNumber } from "../../display/index.ts";
import type { Advantages, Batch } from "../batch.ts";
import { metricGlossary } from "../metric-glossary.ts";
import { culprits } from "./culprits.ts";
import { freshState, type Guard, guardName, isUpper, limitOf, look } from "./guard.ts";
import type { Alert, GuardStates } from "./types.ts";

/** What guards look at. */
export interface Sight {
  /** Steps taken once this one is over. */
  readonly step: number;
  readonly metrics: Readonly<Record<string, number | undefined>>;
  readonly batch: Batch;
  readonly advantages?: Advantages;
}

const deeds = {
  alert: "",
  pause: ": training pauses",
  skip: ": the step changes no weights",
  rollback: ": back to the last good weights",
} as const;

/**
 * What guards say of a step's metrics. Those of which there is none in the step are passed over.
 *
 * @returns the alerts, and the states after the look.
 */
export function watch(guards: readonly Guard[], states: GuardStates, sight: Sight): [Alert[], GuardStates] {
  const alerts: Alert[] = [];
  const after: Record<string, GuardStates[string]> = { ...states };
  for (const guard of guards) {
    const value = sight.metrics[guard.metric];
    if (value === undefined) continue;
    const name = guardName(guard);
    const { fires, limit, state } = look(guard, states[name] ?? freshState, value);
    after[name] = state;
    if (!fires) continue;
    const { metric, action } = guard;
    const seen =
      limit === undefined || !Number.isFinite(value)
        ? `${metric} is ${value}, not a finite number`
        : `${metric} is ${formatNumber(value)}, ${isUpper(guard) ? "above" : "below"} the limit of ${formatNumber(limit)}`;
    alerts.push({
      guard: name,
      metric,
      value,
      limit: limit ?? null,
      step: sight.step,
      action,
      message: `${seen}${deeds[action]}`,
      hint: metricGlossary[metric]?.advice ?? "",
      rollouts: culprits(metric, isUpper(guard), sight.batch, sight.advantages),
    });
  }
  return [alerts, after];
}

/** Alerts for every metric that is not finite and of which no other alert tells: there is always this guard. */
export function nonFinite(sight: Sight, known: readonly Alert[]): Alert[] {
  return Object.entries(sight.metrics)
    .filter(
      ([metric, value]) => value !== undefined && !Number.isFinite(value) && !known.some((a) => a.metric === metric),
    )
    .map(([metric, value]) => ({
      guard: "finite",
      metric,
      value: value!,
      limit: null,
      step: sight.step,
      action: "alert" as const,
      message: `${metric} is ${value}, not a finite number`,
      hint: "Weights were not changed by anything that is not finite. Look at the rollouts and their rewards.",
      rollouts: culprits(metric, true, sight.batch, sight.advantages),
    }));
}

/** The gradient norm from which on a mini-batch of the next step is to change nothing; undefined: any will do. */
export function gradNormLimit(guards: readonly Guard[], states: GuardStates): number | undefined {
  const limits = guards
    .filter(({ metric, action }) => metric === "gradNorm" && action === "skip")
    .flatMap((guard) => {
      const state = states[guardName(guard)] ?? freshState;
      const limit = state.streak + 1 >= guard.patience && isUpper(guard) ? limitOf(guard, state) : undefined;
      return limit === undefined ? [] : [limit];
    });
  return limits.length ? Math.max(0, Math.min(...limits)) : undefined;
}
