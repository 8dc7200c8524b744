import type { Advantages, Batch } from "./batch.ts";
import type { StepConfig } from "./config.ts";
import { filterMetrics } from "./filters/index.ts";
import { type Guard, guardName, isEarly, isKnownBefore } from "./guards/guard.ts";
import { limitRollbacks } from "./guards/rollback-limit.ts";
import type { Alert, GuardStates } from "./guards/types.ts";
import { gradNormLimit, nonFinite, type Sight, tryOwnGuards, watch } from "./guards/watch.ts";
import { errorMetrics, rolloutMetrics } from "./metrics.ts";
import type { GuardMemory, ScheduledValues, StepReport, TrainerSnapshot, UpdateReport } from "./types.ts";

/** What a guarded step needs of its trainer. */
export interface Guarded {
  update(batch: Batch, advantages: Advantages, gradNormLimit?: number): Promise<UpdateReport>;
  /** Weights and optimizer state as they are. */
  snapshot(): Promise<TrainerSnapshot>;
  restore(snapshot: TrainerSnapshot): Promise<void>;
}

export const freshMemory: GuardMemory = { states: {} };

/**
 * One update under guard: looks at the batch, updates unless a guard says no, looks at the update, and goes back to the
 * last good weights where a guard asks for it. The batch is used up either way.
 *
 * @param values of hyperparameters that are not constant: metrics of the step.
 */
export async function guardedUpdate(
  trainer: Guarded,
  config: StepConfig,
  batch: Batch,
  advantages: Advantages,
  memory: GuardMemory,
  values: ScheduledValues = {},
): Promise<Pick<StepReport, "metrics" | "alerts"> & { memory: GuardMemory }> {
  const { guards } = config;
  const before = {
    ...rolloutMetrics(batch),
    ...errorMetrics(batch),
    ...filterMetrics(batch, config.filters),
    ...values,
  };
  const sight: Sight = { step: batch.step + 1, metrics: before, batch, advantages };
  tryOwnGuards(guards, sight);
  const early = guards.filter(isEarly);
  const [earlyAlerts, seen] = watch(early, current(guards, memory.states), sight);

  const canRollBack = guards.filter(({ action }) => action === "rollback");
  const { lastGood } = memory;
  const isDue = !lastGood || batch.step - lastGood.step >= config.rollbackEvery;
  const now = canRollBack.length && isDue ? await trainer.snapshot() : undefined;

  // A step that is not to count is run all the same, so that its figures can be seen; it changes nothing.
  const isRefused = earlyAlerts.some(({ action }) => action === "skip" || action === "rollback");
  const update = await trainer.update(batch, advantages, isRefused ? 0 : gradNormLimit(guards, seen));

  const metrics = { ...before, ...update, maxToolCalls: batch.maxToolCalls };
  const later = { ...sight, metrics };
  const [lateAlerts, states] = watch(
    guards.filter((guard) => !isEarly(guard)),
    seen,
    later,
  );
  const alerts = [...earlyAlerts, ...lateAlerts];
  alerts.push(...nonFinite(later, alerts));
  if (update.skipped && !alerts.some(({ action }) => action === "skip" || action === "rollback"))
    alerts.push(skippedAlert(sight.step, update.skipped));
  const asking = alerts.filter(({ action }) => action === "rollback");
  if (asking.length) {
    const isStateBad = asking.some(({ metric }) => judgesState(metric));
    const goal = (isStateBad ? (lastGood ?? now) : (now ?? lastGood))!;
    await trainer.restore(goal);
    const { rollbacks, alert } = limitRollbacks(config.rollbackLimit, memory.rollbacks ?? [], sight.step);
    const told = alerts.map((one) => withGoal(one, goal.step));
    return {
      metrics,
      alerts: alert ? [...told, alert] : told,
      memory: { states: calmed(states), lastGood: goal, ...(rollbacks.length && { rollbacks }) },
    };
  }
  // Weights count as good once a step has begun with them and no guard that would go back was uneasy.
  const isCalm = canRollBack.every((guard) => !states[guardName(guard)]?.streak);
  const kept = canRollBack.length ? ((isCalm ? now : undefined) ?? lastGood) : undefined;
  const { rollbacks } = memory;
  return { metrics, alerts, memory: { states, ...(kept && { lastGood: kept }), ...(rollbacks && { rollbacks }) } };
}

/** Whether a metric tells of the weights that the step began with, rather than of its update. */
const judgesState = (metric: string): boolean => isKnownBefore(metric) || metric === "entropy" || metric === "refKl";

/** States of the guards in force; those of guards that are gone are forgotten. */
function current(guards: readonly Guard[], states: GuardStates): GuardStates {
  const names = new Set(guards.map(guardName));
  return Object.fromEntries(Object.entries(states).filter(([name]) => names.has(name)));
}

/** After going back, what comes is judged anew. */
const calmed = (states: GuardStates): GuardStates =>
  Object.fromEntries(Object.entries(states).map(([name, state]) => [name, { ...state, streak: 0 }]));

const withGoal = (alert: Alert, step: number): Alert =>
  alert.action === "rollback"
    ? { ...alert, message: `${alert.message}, those that step ${step + 1} began with` }
    : alert;

const skippedAlert = (step: number, skipped: number): Alert => ({
  guard: "skipped",
  metric: "skipped",
  value: skipped,
  limit: 0,
  step,
  action: "alert",
  message: `${skipped} mini-batch${skipped === 1 ? "" : "es"} changed nothing: the gradient was not finite or above a limit, or filters left no token`,
  hint: "Lower the learning rate; look at trainer.influence(batch, advantages) for the rollouts.",
  rollouts: [],
});
