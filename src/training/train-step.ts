import { shield } from "../display/index.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import type { Advantages, Batch } from "./batch.ts";
import type { StepConfig } from "./config.ts";
import { guardedUpdate } from "./guarded-step.ts";
import { interpreterAlert } from "./guards/interpreter-alarm.ts";
import type { TrainerState } from "./trainer-state.ts";
import type { StepReport, UpdateReport } from "./types.ts";

/** The parts of a step, each of which can be called alone. */
export interface StepParts {
  readonly interpreter: CodeInterpreter;
  readonly state: TrainerState;
  /** The settings of the step in flight. */
  config(): StepConfig;
  collect(): Promise<Batch>;
  advantages(batch: Batch): Advantages;
  update(batch: Batch, advantages: Advantages, gradNormLimit?: number): Promise<UpdateReport>;
}

/** One whole step: collect, score, advantages, update under guard. The step counts once its update is done. */
export async function trainStep(parts: StepParts): Promise<StepReport> {
  const { interpreter, state } = parts;
  const started = performance.now();
  const batch = await parts.collect();
  const collected = performance.now();
  const guarded = {
    update: parts.update,
    snapshot: state.snapshot.bind(state),
    restore: state.rollBack.bind(state),
  };
  const { metrics, alerts } = await shield(async () => {
    const outcome = await guardedUpdate(guarded, parts.config(), batch, parts.advantages(batch), state.guards);
    state.guards = outcome.memory;
    return outcome;
  });
  const finished = performance.now();
  state.step = batch.step + 1;
  const alarm = interpreterAlert(interpreter.stats(), state.step);
  const isNew = alarm !== undefined && !state.hasAlarm;
  state.hasAlarm = alarm !== undefined;
  return {
    step: state.step,
    metrics,
    alerts: isNew ? [...alerts, alarm] : alerts,
    batch,
    seconds: { collect: (collected - started) / 1000, update: (finished - collected) / 1000 },
  };
}
