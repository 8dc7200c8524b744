import { formatNumber } from "../../display/index.ts";
import type { Advantages, Batch } from "../batch.ts";
import { metricGlossary } from "../metric-glossary.ts";
import { type GuardSight, OwnGuard } from "../parts/own-guard.ts";
import { culprits } from "./culprits.ts";
import { freshState, type Guard, guardName, isEarly, isUpper, limitOf, look, updateMetrics } from "./guard.ts";
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
    const own = guard instanceof OwnGuard ? measured(guard, sight) : undefined;
    if (own instanceof Error) {
      alerts.push(brokenAlert(guard, own, sight.step));
      continue;
    }
    const value = own ? own.value : sight.metrics[guard.metric];
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
      hint: own ? (guard.reason ?? "") : (metricGlossary[metric]?.advice ?? ""),
      rollouts: own?.rollouts ?? culprits(metric, isUpper(guard), sight.batch, sight.advantages),
    });
  }
  return [alerts, after];
}

const tried = new WeakSet<OwnGuard>();

/**
 * Lets guards of the user's own look at a first batch before anything is trained on it. Figures of the update, which are
 * not there yet, are 1.
 *
 * @throws InvalidInputError for one that cannot judge it.
 */
export function tryOwnGuards(guards: readonly Guard[], sight: Sight): void {
  for (const guard of guards) {
    if (!(guard instanceof OwnGuard) || tried.has(guard)) continue;
    const later = isEarly(guard) ? {} : Object.fromEntries(updateMetrics.map((metric) => [metric, 1]));
    guard.measure(sightOf({ ...sight, metrics: { ...sight.metrics, ...later } }));
    tried.add(guard);
  }
}

/** After the update the step counts, whatever a guard's own code does. */
function measured(guard: OwnGuard, sight: Sight): ReturnType<OwnGuard["measure"]> | Error {
  try {
    return guard.measure(sightOf(sight));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const brokenAlert = (guard: Guard, error: Error, step: number): Alert => ({
  guard: guardName(guard),
  metric: guard.metric,
  value: Number.NaN,
  limit: null,
  step,
  action: "pause",
  message: `the guard itself failed: ${error.message}: training pauses`,
  hint: "Mend the guard, or take it out; the step counts.",
  rollouts: [],
});

/** What a guard of the user's own sees: the metrics that there are. */
function sightOf({ metrics, ...sight }: Sight): GuardSight {
  const measured = Object.entries(metrics).filter(([, value]) => value !== undefined);
  return { ...sight, metrics: Object.fromEntries(measured) as Record<string, number> };
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
