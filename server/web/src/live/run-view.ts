import { h } from "./dom.ts";
import { RunAlerts } from "./run-alerts.ts";
import { runChannel } from "./run-channel.ts";
import { RunCharts } from "./run-charts.ts";
import { RunControls } from "./run-controls.ts";
import { RunHead } from "./run-head.ts";
import type { RunSeries } from "./run-series.ts";

/** One run as it trains, or as it was: how it stands, what can be done with it, its charts and alerts. */
export class RunView {
  readonly node: HTMLElement;
  readonly run: RunSeries;
  readonly #parts: { node: HTMLElement; dispose(): void }[];

  constructor(runId: string) {
    this.run = runChannel.follow(runId);
    const { run } = this;
    this.#parts = [new RunHead(run), new RunControls(run), new RunAlerts(run), new RunCharts(run)];
    this.node = h("div", { className: "cirlab-run" }, ...this.#parts.map(({ node }) => node));
    this.node.dataset.run = runId;
  }

  dispose(): void {
    for (const part of this.#parts) part.dispose();
    runChannel.leave(this.run.id);
    this.node.remove();
  }
}
