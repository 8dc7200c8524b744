import { shield } from "../display/index.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import type { Advantages, Batch } from "./batch.ts";
import { type ScheduledName, type StepConfig, scheduledSettings, type TrainerConfig } from "./config.ts";
import { steer } from "./controllers/steer.ts";
import { guardedUpdate } from "./guarded-step.ts";
import { interpreterAlert } from "./guards/interpreter-alarm.ts";
import type { HeldStep } from "./held-step.ts";
import type { TrainerState } from "./trainer-state.ts";
import type { ScheduledValues, StepReport, UpdateReport } from "./types.ts";

/** The parts of a step, each of which can be called alone. */
export interface StepParts {
  readonly interpreter: CodeInterpreter | undefined;
  readonly state: TrainerState;
  /** The settings of the step in flight, and their values in it. */
  settings(): TrainerConfig;
  config(): StepConfig;
  collect(): Promise<Batch>;
  /** Somebody looks at the batch, and perhaps changes it, before the update. */
  review?: ((batch: Batch) => Promise<Pick<HeldStep, "batch" | "interventions">>) | undefined;
  advantages(batch: Batch): Advantages;
  update(batch: Batch, advantages: Advantages, gradNormLimit?: number): Promise<UpdateReport>;
}

/** One whole step: collect, score, advantages, update under guard. The step counts once its update is done. */
export async function trainStep(parts: StepParts): Promise<StepReport> {
  const { interpreter, state } = parts;
  const started = performance.now();
  const sampled = await parts.collect();
  const collected = performance.now();
  const { batch, interventions = [] } = (await parts.review?.(sampled)) ?? { batch: sampled };
  const reviewed = performance.now();
  const guarded = {
    update: parts.update,
    snapshot: state.snapshot.bind(state),
    restore: state.rollBack.bind(state),
  };
  const settings = parts.settings();
  const config = parts.config();
  const { metrics, alerts, changes, advantages } = await shield(async () => {
    const values = varying(settings, config);
    const advantages = parts.advantages(batch);
    const outcome = await guardedUpdate(guarded, config, batch, advantages, state.guards, values);
    state.guards = outcome.memory;
    // What a guard took back tells controllers nothing.
    const isUndone = outcome.alerts.some(({ action }) => action === "rollback");
    const seen = { step: batch.step + 1, metrics: isUndone ? {} : outcome.metrics, rollouts: batch.rollouts.length };
    return { ...outcome, advantages, changes: await steer(settings, state, seen) };
  });
  const finished = performance.now();
  state.step = batch.step + 1;
  const alarm = interpreter && interpreterAlert(interpreter.stats(), state.step);
  const isNew = alarm !== undefined && !state.hasAlarm;
  state.hasAlarm = alarm !== undefined;
  return {
    step: state.step,
    metrics,
    alerts: isNew ? [...alerts, alarm] : alerts,
    changes,
    ...(interventions.length > 0 && { interventions }),
    batch,
    advantages,
    seconds: { collect: (collected - started) / 1000, update: (finished - reviewed) / 1000 },
  };
}

/** Values of the hyperparameters that are not constant. */
function varying(settings: TrainerConfig, config: StepConfig): ScheduledValues {
  const names = Object.entries(scheduledSettings(settings)).filter(([, setting]) => typeof setting !== "number");
  return Object.fromEntries(names.map(([name]) => [name, config[name as ScheduledName]]));
}
