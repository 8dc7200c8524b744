import uPlot from "uplot";
import { type Metric, metrics, type RunSeries } from "./run-series.ts";

const chartHeight = 110;

/** Distances between the marks of the axis of steps, which are whole. */
const stepIncrements = [1, 10, 100, 1000, 10_000, 100_000].flatMap((size) => [size, 2 * size, 5 * size]);

/** Short form of a value for a chart's title. */
function format(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 10_000) ? value.toExponential(2) : value.toFixed(size < 10 ? 3 : 1);
}

/** A colour of the theme in use; canvases know nothing of style sheets' variables. */
function themeColor(name: string, fallback: string): string {
  return getComputedStyle(document.body).getPropertyValue(name).trim() || fallback;
}

/** Small charts of one run, one for each metric, that follow it as it trains. */
export class RunCharts {
  readonly node = document.createElement("div");
  readonly #run: RunSeries;
  readonly #status = document.createElement("div");
  readonly #alert = document.createElement("div");
  readonly #charts: { metric: Metric; plot: uPlot; value: HTMLElement; place: HTMLElement }[] = [];
  readonly #resize = new ResizeObserver(() => this.#schedule());
  readonly #theme = new MutationObserver(() => this.#schedule());
  #frame: number | undefined;
  #caption: string | undefined;

  constructor(run: RunSeries) {
    this.#run = run;
    this.node.className = "cirlab-run";
    this.#status.className = "cirlab-run-status";
    this.#status.setAttribute("role", "status");
    const grid = document.createElement("div");
    grid.className = "cirlab-run-charts";
    this.#alert.className = "cirlab-run-alert";
    this.node.append(this.#status, this.#alert, grid);
    for (const metric of metrics) this.#charts.push(this.#chart(metric, grid));
    run.changed.connect(this.#schedule, this);
    this.#resize.observe(grid);
    this.#theme.observe(document.body, { attributeFilter: ["data-jp-theme-name"] });
    this.#schedule();
  }

  /** Says how the run stands in the words of the cell that trains; undefined: in the channel's own. */
  describe(caption: string | undefined): void {
    this.#caption = caption;
    this.#schedule();
  }

  dispose(): void {
    this.#run.changed.disconnect(this.#schedule, this);
    this.#resize.disconnect();
    this.#theme.disconnect();
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    for (const { plot } of this.#charts) plot.destroy();
    this.node.remove();
  }

  #chart(metric: Metric, grid: HTMLElement): { metric: Metric; plot: uPlot; value: HTMLElement; place: HTMLElement } {
    const place = document.createElement("figure");
    place.className = "cirlab-chart";
    const title = document.createElement("figcaption");
    title.className = "cirlab-chart-title";
    const label = document.createElement("span");
    label.textContent = metric.label;
    const value = document.createElement("span");
    value.className = "cirlab-chart-value";
    value.dataset.metric = metric.key;
    title.append(label, value);
    place.append(title);
    grid.append(place);
    const axis = (size: number, space: number): uPlot.Axis => ({
      stroke: () => themeColor("--jp-ui-font-color2", "#666"),
      grid: { stroke: () => themeColor("--jp-border-color2", "#ddd"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
      size,
      space,
    });
    const plot = new uPlot(
      {
        width: 220,
        height: chartHeight,
        legend: { show: false },
        cursor: { sync: { key: this.#run.id }, drag: { setScale: false } },
        scales: { x: { time: false } },
        axes: [{ ...axis(24, 50), incrs: stepIncrements }, axis(42, 24)],
        series: [{}, { stroke: () => themeColor("--jp-brand-color1", "#1976d2"), width: 1.5, points: { size: 4 } }],
      },
      [[], []],
      place,
    );
    return { metric, plot, value, place };
  }

  /** At most one drawing a frame, whatever the rate of events. */
  #schedule(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#draw();
    });
  }

  #draw(): void {
    const { steps, columns, end, alert } = this.#run;
    this.node.dataset.state = end === undefined ? "training" : "ended";
    const last = steps.at(-1);
    const text = last === undefined ? "waiting for the first step" : `step ${last}`;
    this.#status.textContent = this.#caption ?? (end === undefined ? text : `${text} · ${end}`);
    this.#alert.textContent = alert ?? "";
    for (const { metric, plot, value, place } of this.#charts) {
      const column = columns.get(metric.key)!;
      value.textContent = format(column.at(-1));
      const width = Math.floor(place.clientWidth);
      if (width === 0) continue;
      if (width !== plot.width) plot.setSize({ width, height: chartHeight });
      plot.setData([steps, column]);
    }
  }
}
