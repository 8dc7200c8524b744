import { Signal } from "@lumino/signaling";
import { Chart } from "./chart.ts";
import { chartOptions } from "./chart-options.ts";
import { h } from "./dom.ts";
import { labelOf, sorted, usualMetrics } from "./metrics.ts";
import type { RunSeries } from "./run-series.ts";

/** Drawn at most this often, whatever the rate of steps. */
const drawEveryMs = 50;
/** So many charts are drawn in one frame; the others follow in the next ones, so that the page never stands still. */
const chartsAFrame = 4;

/** Small charts of one run, one for each metric that was chosen, that follow it as it trains. */
export class RunCharts {
  readonly node: HTMLElement;
  readonly #run: RunSeries;
  readonly #grid = h("div", { className: "cirlab-run-charts" });
  readonly #choices = h("div", { className: "cirlab-choices" });
  #charts: Chart[] = [];
  #drawn = "";
  #offered = "";
  #boxes: HTMLInputElement[] = [];
  readonly #resize = new ResizeObserver(() => this.#schedule());
  readonly #theme = new MutationObserver(() => this.#schedule());
  #timer: number | undefined;
  #last = 0;
  /** Something came that the drawing under way may not show. */
  #isStale = false;
  #isDisposed = false;

  constructor(run: RunSeries) {
    this.#run = run;
    this.node = h("div", {}, this.#bar(), this.#grid);
    run.changed.connect(this.#schedule, this);
    chartOptions.changed.connect(this.#schedule, this);
    this.#resize.observe(this.#grid);
    this.#theme.observe(document.body, { attributeFilter: ["data-jp-theme-name"] });
    this.#schedule();
  }

  dispose(): void {
    this.#isDisposed = true;
    Signal.disconnectReceiver(this);
    this.#resize.disconnect();
    this.#theme.disconnect();
    clearTimeout(this.#timer);
    for (const chart of this.#charts) chart.dispose();
    this.node.remove();
  }

  /** Which metrics, logarithmic or not, how smooth. */
  #bar(): HTMLElement {
    const log = h("input", { type: "checkbox", checked: chartOptions.values.isLog });
    log.addEventListener("change", () => chartOptions.set({ isLog: log.checked }));
    const { smoothing } = chartOptions.values;
    const smooth = h("input", { type: "range", min: "0", max: "0.99", step: "0.01", value: String(smoothing) });
    smooth.addEventListener("input", () => chartOptions.set({ smoothing: Number(smooth.value) }));
    chartOptions.changed.connect(() => {
      log.checked = chartOptions.values.isLog;
      smooth.value = String(chartOptions.values.smoothing);
    }, this);
    return h(
      "div",
      { className: "cirlab-chart-bar" },
      h("details", { className: "cirlab-menu" }, h("summary", { textContent: "Metrics" }), this.#choices),
      h("label", {}, log, "Log scale"),
      h("label", {}, "Smoothing", smooth),
    );
  }

  /** At most so many drawings a second, and none while the page is hidden. */
  #schedule(): void {
    if (this.#timer !== undefined) {
      this.#isStale = true;
      return;
    }
    const wait = Math.max(0, this.#last + drawEveryMs - performance.now());
    this.#timer = window.setTimeout(() => {
      requestAnimationFrame(() => {
        if (this.#isDisposed) return;
        this.#last = performance.now();
        this.#isStale = false;
        this.#draw();
      });
    }, wait);
  }

  /** Does the work some at a time, then lets the next drawing come; what is given up on the way is left. */
  #inFrames(work: readonly (() => void)[]): void {
    for (const one of work.slice(0, chartsAFrame)) one();
    if (work.length > chartsAFrame) {
      requestAnimationFrame(() => {
        if (!this.#isDisposed) this.#inFrames(work.slice(chartsAFrame));
      });
      return;
    }
    this.#timer = undefined;
    if (this.#isStale) this.#schedule();
  }

  #draw(): void {
    const { columns, marks, id } = this.#run;
    const { isLog, smoothing, chosen } = chartOptions.values;
    const known = sorted(columns.all.keys());
    const usual = usualMetrics.filter((name) => columns.all.has(name));
    const present = chosen?.filter((name) => columns.all.has(name)) ?? [];
    const names = present.length ? sorted(present) : usual.length ? usual : known.slice(0, 6);
    this.#offer(known, names);
    // What is never above 0 has no logarithm, and is drawn as it is.
    const logs = names.map((name) => isLog && columns.all.get(name)!.y.some((value) => value !== null && value > 0));
    const wanted = JSON.stringify([names, logs]);
    if (wanted !== this.#drawn) {
      this.#drawn = wanted;
      for (const chart of this.#charts) chart.dispose();
      this.#charts = names.map((name, i) => new Chart(name, id, logs[i]!));
      this.#grid.append(...this.#charts.map(({ node }) => node));
    }
    // All are measured before any is drawn: to measure after a change would lay out the page each time.
    const widths = this.#charts.map(({ width }) => width);
    this.#inFrames(
      this.#charts.map(
        (chart, i) => () => chart.update(columns.all.get(chart.metric), marks, smoothing, logs[i]!, widths[i]!),
      ),
    );
  }

  /** The metrics to choose from, and which are drawn. */
  #offer(known: readonly string[], drawn: readonly string[]): void {
    const offered = known.join("\n");
    if (offered !== this.#offered) {
      this.#offered = offered;
      this.#boxes = known.map((name) => {
        const box = h("input", { type: "checkbox", value: name });
        box.addEventListener("change", () => {
          const chosen = this.#boxes.filter(({ checked }) => checked).map(({ value }) => value);
          chartOptions.set({ chosen: chosen.length ? chosen : null });
        });
        return box;
      });
      this.#choices.replaceChildren(
        ...this.#boxes.map((box) => h("label", { title: box.value }, box, labelOf(box.value))),
      );
    }
    for (const box of this.#boxes) box.checked = drawn.includes(box.value);
  }
}
