import uPlot from "uplot";
import type { MetricColumns } from "../../../../src/live/browse/metrics.ts";

/** One run's curves in a chart. */
export interface ChartedRun {
  readonly label: string;
  readonly metrics: MetricColumns;
}

const chartHeight = 260;
/** Distances between the marks of the axis of steps, which are whole. */
const increments = [1, 10, 100, 1000, 10_000, 100_000].flatMap((size) => [size, 2 * size, 5 * size]);

/** Colours that colour-blind readers tell apart (Okabe and Ito, 2008), in an order that suits both themes. */
export const runColours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b3a200", "#8c8c8c"];

const colourOf = (name: string, fallback: string): string =>
  getComputedStyle(document.body).getPropertyValue(name).trim() || fallback;

/** A metric over the steps of one run or several. A click, or Enter at the cursor, goes to the step. */
export class MetricChart {
  readonly node = document.createElement("div");
  readonly #resize = new ResizeObserver(() => this.#fit());
  readonly #theme = new MutationObserver(() => this.#plot?.redraw());
  #plot: uPlot | undefined;
  #names = "";

  /** @param open called with the step of a point that was chosen. */
  constructor(open?: (step: number) => void) {
    this.node.className = "cirlab-metric-chart";
    this.#resize.observe(this.node);
    this.#theme.observe(document.body, { attributeFilter: ["data-jp-theme-name"] });
    if (!open) return;
    this.node.tabIndex = 0;
    this.node.setAttribute("role", "application");
    this.node.setAttribute("aria-label", "Metric over steps: arrow keys move, Enter opens the step");
    const choose = () => {
      const at = this.#plot?.cursor.idx;
      const step = at == null ? undefined : this.#plot?.data[0][at];
      if (step !== undefined) open(step);
    };
    this.node.addEventListener("click", choose);
    this.node.addEventListener("keydown", (event) => {
      if (event.key === "Enter") choose();
      else if (event.key === "ArrowRight") this.#move(1);
      else if (event.key === "ArrowLeft") this.#move(-1);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  draw(runs: readonly ChartedRun[], metric: string): void {
    const data = aligned(runs, metric);
    const names = runs.map(({ label }) => label).join("\n");
    if (this.#plot && names === this.#names) {
      this.#plot.setData(data);
      return;
    }
    this.#plot?.destroy();
    this.#names = names;
    const axis = (size: number, space: number): uPlot.Axis => ({
      stroke: () => colourOf("--jp-ui-font-color2", "#666"),
      grid: { stroke: () => colourOf("--jp-border-color2", "#ddd"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
      ...{ size, space },
    });
    const few = (data[0]?.length ?? 0) < 60;
    this.#plot = new uPlot(
      {
        width: Math.max(200, this.node.clientWidth),
        height: chartHeight,
        scales: { x: { time: false } },
        cursor: { drag: { setScale: false } },
        axes: [{ ...axis(26, 50), incrs: increments }, axis(54, 30)],
        series: [
          { label: "step" },
          ...runs.map(({ label }, i) => ({
            label,
            stroke: runColours[i % runColours.length]!,
            width: 1.5,
            spanGaps: true,
            points: { show: few, size: 5 },
          })),
        ],
      },
      data,
      this.node,
    );
  }

  dispose(): void {
    this.#resize.disconnect();
    this.#theme.disconnect();
    this.#plot?.destroy();
    this.node.remove();
  }

  #move(by: number): void {
    const plot = this.#plot;
    if (!plot) return;
    const steps = plot.data[0];
    const from = plot.cursor.idx ?? (by > 0 ? -1 : steps.length);
    const at = Math.max(0, Math.min(steps.length - 1, from + by));
    const value = plot.data.slice(1).find((column) => column[at] != null)?.[at] ?? 0;
    plot.setCursor({ left: plot.valToPos(steps[at]!, "x"), top: plot.valToPos(value, "y") });
  }

  #fit(): void {
    const width = Math.floor(this.node.clientWidth);
    if (this.#plot && width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: chartHeight });
  }
}

/** The runs' columns over all steps that any of them has. */
function aligned(runs: readonly ChartedRun[], metric: string): uPlot.AlignedData {
  const tables = runs.map(({ metrics }): uPlot.AlignedData => [
    [...metrics.steps],
    [...(metrics.columns[metric] ?? metrics.steps.map(() => null))],
  ]);
  return tables.length ? uPlot.join(tables) : [[], []];
}

/** Metrics that any of the runs has: the usual ones first, the others by name. */
export function metricNames(runs: readonly { metrics: MetricColumns }[]): string[] {
  const usual = ["reward", "accuracy", "loss", "entropy", "kl", "gradNorm", "toolCalls", "responseLength"];
  const names = new Set(runs.flatMap(({ metrics }) => Object.keys(metrics.columns)));
  const first = usual.filter((name) => names.has(name));
  return [...first, ...[...names].filter((name) => !first.includes(name)).sort()];
}
