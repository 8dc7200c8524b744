import uPlot from "uplot";
import type { Points } from "../../../../src/live/messages.ts";
import { smoothed } from "./chart-options.ts";
import { h } from "./dom.ts";
import { format, labelOf } from "./metrics.ts";
import type { Mark } from "./run-series.ts";

const chartHeight = 110;
/** Space that lines across the chart leave each other, and what they are otherwise, in CSS pixels. */
const minMarkSpace = 12;
const tickHeight = 6;

/**
 * Distances between the marks of the axis of steps, which are whole; none is more than twice the one before, so that also
 * a narrow chart has a mark.
 */
const stepIncrements = [
  ...[1, 2, 4],
  ...[5, 50, 500, 5000, 50_000, 500_000].flatMap((size) => [size, 2 * size, 4 * size, 5 * size]),
];

/** A colour of the theme in use; canvases know nothing of style sheets' variables. */
function themeColor(name: string, fallback: string): string {
  return getComputedStyle(document.body).getPropertyValue(name).trim() || fallback;
}

const markColors: Readonly<Record<Mark["kind"], () => string>> = {
  // No colour of the theme is none of the others; this one can be read on light and on dark.
  setting: () => "#ab47bc",
  alert: () => themeColor("--jp-error-color1", "#d32f2f"),
  course: () => themeColor("--jp-warn-color1", "#f57c00"),
  checkpoint: () => themeColor("--jp-success-color1", "#388e3c"),
};

/** What the axis spans: a little more than the values, also where all are the same. */
function valueRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  if (min === max) return [min - (Math.abs(min) / 2 || 1), max + (Math.abs(max) / 2 || 1)];
  return uPlot.rangeNum(min, max, 0.1, true) as [number, number];
}

/** A value beside the axis, in few characters. */
function tick(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 100_000)) return value.toExponential(0);
  return String(Number(value.toPrecision(4)));
}

/** One metric of a run, drawn over its steps. */
export class Chart {
  readonly node: HTMLElement;
  readonly metric: string;
  readonly #value: HTMLElement;
  readonly #hover: HTMLElement;
  readonly #plot: uPlot;
  #marks: readonly Mark[] = [];

  constructor(metric: string, runId: string, isLog: boolean) {
    this.metric = metric;
    this.#value = h("span", { className: "cirlab-chart-value" });
    this.#value.dataset.metric = metric;
    this.#hover = h("span", { className: "cirlab-chart-hover" });
    this.node = h(
      "figure",
      { className: "cirlab-chart" },
      h(
        "figcaption",
        { className: "cirlab-chart-title" },
        h("span", { textContent: labelOf(metric), title: metric }),
        this.#hover,
        this.#value,
      ),
    );
    this.#plot = this.#draw(runId, isLog);
  }

  /** Width that the page gives it; 0 where it is not shown. */
  get width(): number {
    return Math.floor(this.node.clientWidth);
  }

  update(points: Points | undefined, marks: readonly Mark[], smoothing: number, isLog: boolean, width: number): void {
    const { x, y } = points ?? { x: [], y: [] };
    this.#value.textContent = format(y.at(-1));
    if (width === 0) return;
    this.#marks = marks;
    if (width !== this.#plot.width) this.#plot.setSize({ width, height: chartHeight });
    // A logarithm has no place for what is not above 0.
    const drawn = isLog ? y.map((value) => (value !== null && value > 0 ? value : null)) : y;
    this.#plot.setData([x, drawn, smoothing > 0 ? smoothed(drawn, smoothing) : []]);
    this.#plot.setSeries(2, { show: smoothing > 0 }, false);
  }

  dispose(): void {
    this.#plot.destroy();
    this.node.remove();
  }

  #draw(runId: string, isLog: boolean): uPlot {
    const axis = (size: number, space: number): uPlot.Axis => ({
      stroke: () => themeColor("--jp-ui-font-color2", "#666"),
      grid: { stroke: () => themeColor("--jp-border-color2", "#ddd"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
      size,
      space,
    });
    const line = (name: string, fallback: string) => () => themeColor(name, fallback);
    return new uPlot(
      {
        width: 220,
        height: chartHeight,
        legend: { show: false },
        cursor: { sync: { key: runId }, drag: { setScale: false } },
        scales: { x: { time: false }, y: isLog ? { distr: 3 } : { range: (_, min, max) => valueRange(min, max) } },
        axes: [
          { ...axis(24, 45), incrs: stepIncrements },
          { ...axis(46, 24), values: (_, splits) => splits.map((value) => (value === null ? "" : tick(value))) },
        ],
        series: [
          {},
          {
            // Under a smoothed curve the plain one steps back.
            stroke: (plot) =>
              plot.series[2]!.show
                ? themeColor("--jp-border-color1", "#bbb")
                : themeColor("--jp-brand-color1", "#1976d2"),
            width: 1.5,
            points: { size: 4 },
          },
          { stroke: line("--jp-brand-color1", "#1976d2"), width: 2, points: { show: false }, show: false },
        ],
        hooks: { draw: [(plot) => this.#drawMarks(plot)], setCursor: [(plot) => this.#tell(plot)] },
      },
      [[], [], []],
      this.node,
    );
  }

  /**
   * Lines for what happened between two steps; the newest change of a setting has its text beside it. Where there are too
   * many to see the curve between them, all but the settings' are ticks at the foot.
   */
  #drawMarks(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const { min, max } = plot.scales.x!;
    if (min == null || max == null) return;
    const scale = devicePixelRatio;
    const shown = this.#marks.filter(({ step }) => step >= min - 1 && step <= max);
    const named = shown.findLast(({ kind }) => kind === "setting");
    const isCrowded = shown.length * minMarkSpace * scale > bbox.width;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineWidth = scale;
    for (const mark of shown) {
      // What holds for the steps after this one stands between the two.
      const place = mark.step + (mark.kind === "alert" ? 0 : 0.5);
      const x = Math.min(Math.max(plot.valToPos(place, "x", true), bbox.left), bbox.left + bbox.width);
      ctx.strokeStyle = ctx.fillStyle = markColors[mark.kind]();
      const isTick = isCrowded && mark.kind !== "setting";
      ctx.setLineDash(mark.kind === "setting" || isTick ? [] : [3 * scale, 3 * scale]);
      ctx.beginPath();
      ctx.moveTo(x, isTick ? bbox.top + bbox.height - tickHeight * scale : bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (mark !== named) continue;
      ctx.font = `${10 * scale}px system-ui, sans-serif`;
      const isRight = x > bbox.left + bbox.width / 2;
      ctx.textAlign = isRight ? "right" : "left";
      ctx.textBaseline = "top";
      ctx.fillText(mark.text, x + (isRight ? -3 : 3) * scale, bbox.top + scale, bbox.width / 2);
    }
    ctx.restore();
  }

  /** What stands under the pointer: the step, its value, and what happened there. */
  #tell(plot: uPlot): void {
    const at = plot.cursor.idx;
    const step = at == null ? undefined : plot.data[0][at];
    const here = step === undefined ? [] : this.#marks.filter((mark) => mark.step === step || mark.step === step - 1);
    this.#hover.textContent = step === undefined ? "" : `${step}: ${format(plot.data[1]![at!])}`;
    this.node.title = here.map(({ text }) => text).join("\n");
  }
}
