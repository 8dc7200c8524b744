import type { InterpreterStats } from "../../interpreter/types.ts";
import type { Alert } from "./types.ts";

/** The name under which the interpreter's alarm stands among the guards. */
export const interpreterAlarm = "interpreter";

/**
 * The interpreter's own alarm as an alert: many of its snippets met a failure of its machinery, also where the retry went
 * well and no rollout was lost.
 *
 * @param step steps taken, this one included.
 */
export function interpreterAlert({ alarm, infrastructureRate }: InterpreterStats, step: number): Alert | undefined {
  if (alarm === undefined) return undefined;
  return {
    guard: interpreterAlarm,
    metric: "infrastructureRate",
    value: infrastructureRate,
    limit: null,
    step,
    action: "alert",
    message: alarm,
    hint: "Look at python.stats() and `cirlab doctor`; a machine short of memory or processes does this.",
    rollouts: [],
  };
}
