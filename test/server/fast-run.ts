import { setTimeout as wait } from "node:timers/promises";
import { Run } from "../../src/recording/index.ts";

/** Figures that a step of a real training has beside the usual ones. */
const further = Array.from({ length: 24 }, (_, i) => `toolErrors.Error${i}`);

/** The figures of a step of a generated run: smooth curves, noise, and one peak at step 500. */
export function fastMetrics(step: number): Record<string, number | null> {
  const noise = ((step * 2654435761) % 1000) / 1000;
  const slow = Math.sin(step / 60);
  return {
    ...{
      reward: step === 500 ? 9 : slow + 0.2 * noise,
      accuracy: 0.5 + slow / 4,
      loss: noise - 0.5,
      entropy: 5 - step / 1e4,
    },
    ...{ kl: noise / 100, gradNorm: 1 + noise, responseLength: 60 + 20 * slow, toolCalls: 1 + noise },
    ...{ toolErrors: noise / 2, secondsCollect: 0.006, secondsUpdate: 0.004 },
    ...Object.fromEntries(further.map((name, i) => [name, noise / (i + 1)])),
  };
}

/** A run that no training makes: its steps are generated and recorded as a training's are. */
export const generatedRun = (folder: string): Promise<Run> =>
  Run.create({ folder, name: "generated", config: { generated: true } });

/**
 * Records steps 1 to `count` of a run that has started.
 *
 * @param aSecond how many a second; default: as fast as they can be written.
 */
export async function recordSteps(run: Run, count: number, aSecond = Number.POSITIVE_INFINITY): Promise<void> {
  const begin = performance.now();
  let step = 0;
  while (step < count) {
    const due = Math.min(count, Math.floor(((performance.now() - begin) / 1000) * aSecond));
    const until = Number.isFinite(aSecond) ? due : Math.min(count, step + 50);
    while (step < until) run.append({ type: "step", step: ++step, metrics: fastMetrics(step) });
    await wait(Number.isFinite(aSecond) ? 1000 / aSecond / 2 : 0);
  }
}

/** A notebook as a file, under whose one cell a run is shown. */
export function runNotebook(runId: string): string {
  const data = { "application/vnd.cirlab.run+json": { runId, title: "Generated" }, "text/plain": "a run" };
  const output = { output_type: "display_data", data, metadata: {} };
  const cell = { cell_type: "code", execution_count: 1, id: "a", metadata: {}, outputs: [output], source: "1" };
  const kernelspec = { name: "cirlab", display_name: "TypeScript (CIR Lab)", language: "typescript" };
  return JSON.stringify({ cells: [cell], metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 });
}
