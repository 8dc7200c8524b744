import { InterruptedError } from "../base/errors.ts";
import { displaySymbol } from "../display/host.ts";
import { formatDuration, formatNumber, formatPercent, LivePanel, type MimeBundle } from "../display/index.ts";
import { livePublisher, type Run } from "../recording/index.ts";
import { checkpointFiles } from "./checkpoint-files.ts";
import type { StepReport, StepTaker } from "./types.ts";

const panelMetrics = [
  { key: "reward" },
  { key: "accuracy", format: formatPercent },
  { key: "codeShare", label: "uses code", format: formatPercent },
  { key: "toolCalls", label: "tool calls" },
  { key: "entropy" },
  { key: "gradNorm", label: "gradient norm" },
];

/**
 * Some steps of training under way. Nothing runs until it is iterated or `done()` is awaited; each step is recorded
 * before it is handed out. Ending the loop early, or interrupting the cell, leaves the last whole step.
 *
 * @example
 * for await (const step of trainer.train(100)) if (step.alerts.length) break;
 * const steps = await trainer.train(20).done();
 */
export class TrainRun implements AsyncIterable<StepReport> {
  readonly trainer: StepTaker;
  readonly count: number;
  /** The steps so far. */
  readonly steps: StepReport[] = [];
  #panel: LivePanel | undefined;
  readonly #title: string;
  readonly #record: string | false;

  constructor(trainer: StepTaker, count: number, options: { title?: string; record?: string | false }) {
    this.trainer = trainer;
    this.count = count;
    this.#title = options.title ?? `Training ${trainer.policy.name} on ${trainer.taskset.name}`;
    this.#record = options.record ?? "runs";
  }

  /** Takes all steps. */
  async done(): Promise<readonly StepReport[]> {
    for await (const _step of this);
    return this.steps;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<StepReport> {
    const { trainer } = this;
    const run = this.#record === false ? undefined : await trainer.openRun(this.#record);
    const panel = new LivePanel({ title: this.#title, metrics: panelMetrics, runId: run?.id }).show();
    this.#panel = panel;
    run?.append({ type: "run-started", step: trainer.step, config: summary(trainer) });
    const started = performance.now();
    let reason: "completed" | "stopped" | "interrupted" | "failed" = "stopped";
    let failure: unknown;
    try {
      while (this.steps.length < this.count) {
        if (trainer.lab.signal()?.aborted)
          throw new InterruptedError(`Training was interrupted after step ${trainer.step}.`);
        const report = await trainer.trainStep();
        this.steps.push(report);
        await this.#note(report, run, panel, started);
        if (this.steps.length === this.count) reason = "completed";
        yield report;
      }
    } catch (error) {
      failure = error;
      reason = trainer.lab.signal()?.aborted || error instanceof InterruptedError ? "interrupted" : "failed";
      throw error;
    } finally {
      if (run && this.steps.length) await this.#checkpoint(run);
      const error = reason === "failed" ? { error: String(failure) } : {};
      run?.append({ type: "run-finished", step: trainer.step, reason, ...error });
      await livePublisher()?.flush();
      panel.done(`${this.#progress(started, true)} · ${reason}${run ? ` · ${run.folder}` : ""}`);
    }
  }

  [displaySymbol](): MimeBundle {
    return this.#panel?.[displaySymbol]() ?? { "text/plain": `${this.#title}: ${this.count} steps, not started` };
  }

  async #note(report: StepReport, run: Run | undefined, panel: LivePanel, started: number): Promise<void> {
    const { trainer } = this;
    const { step, metrics, batch, alerts, seconds } = report;
    panel.add(step, { ...metrics });
    panel.status(this.#progress(started));
    for (const text of alerts) panel.alert(`step ${step}: ${text}`);
    if (!run) return;
    run.append({
      type: "step",
      step,
      metrics: { ...metrics, secondsCollect: seconds.collect, secondsUpdate: seconds.update },
    });
    for (const text of alerts) run.append({ type: "alert", step, text });
    const rollouts = batch.rollouts.map(({ task, group, sample, trajectory, reward }) => ({
      task,
      group,
      sample,
      reward,
      trajectory,
    }));
    await run.writeRollouts(step, rollouts);
    const every = trainer.config.checkpointEvery;
    if (every && step % every === 0 && this.steps.length < this.count) await this.#checkpoint(run);
  }

  async #checkpoint(run: Run): Promise<void> {
    const { trainer } = this;
    const state = await trainer.checkpoint();
    await run.saveCheckpoint(state.step, await checkpointFiles(trainer.policy, state));
  }

  #progress(started: number, isOver = false): string {
    const taken = this.steps.length;
    const elapsed = performance.now() - started;
    const last = this.steps.at(-1);
    const left = taken ? ` · about ${formatDuration(((this.count - taken) * elapsed) / taken)} left` : "";
    const accuracy = last ? ` · accuracy ${formatPercent(last.metrics.accuracy)}` : "";
    const kl = last ? ` · KL ${formatNumber(last.metrics.kl, 2)}` : "";
    return `step ${taken} of ${this.count}${accuracy}${kl} · ${formatDuration(elapsed)}${isOver || taken === this.count ? "" : left}`;
  }
}

/** A configuration as the recording's plain JSON. */
function summary(trainer: StepTaker): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(trainer.config).map(([name, value]) => [
      name,
      typeof value === "object" ? JSON.stringify(value) : value,
    ]),
  );
}
