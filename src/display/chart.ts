import { InvalidInputError } from "../base/errors.ts";
import type { VegaLiteSpec } from "./chart-svg.ts";
import { formatNumber, pad } from "./format.ts";
import { displaySymbol, type MimeBundle } from "./host.ts";
import { decimate, rangeOf, sparkline } from "./series.ts";

/** A chart: a Vega-Lite specification that notebooks draw themselves, a static SVG, and a summary in text. */
export class Chart {
  readonly spec: VegaLiteSpec;
  readonly summary: string;

  constructor(spec: VegaLiteSpec, summary: string) {
    this.spec = spec;
    this.summary = summary;
  }

  /** The chart as an SVG document; equal charts give equal bytes. */
  async toSvg(): Promise<string> {
    const { renderSvg } = await import("./chart-svg.ts");
    return renderSvg(this.spec);
  }

  toString(): string {
    return this.summary;
  }

  async [displaySymbol](): Promise<MimeBundle> {
    return {
      "text/plain": this.summary,
      "image/svg+xml": await this.toSvg(),
      "application/vnd.vegalite.v5+json": this.spec,
    };
  }
}

export interface ChartOptions {
  title?: string;
  /** Title of the x axis. */
  x?: string;
  /** Title of the y axis. */
  y?: string;
  /** Plot size in pixels. Default 480 by 220. */
  width?: number;
  height?: number;
  /** Logarithmic y axis; values of 0 or less are left out. */
  logY?: boolean;
  /** Logarithmic x axis, base 2. */
  logX?: boolean;
  /** Limits of the y axis. Default: those of the values. */
  domainY?: readonly [number, number];
}

/** Colours that colour-blind readers tell apart and that show on light and dark pages (Okabe and Ito, 2008). */
export const palette = ["#2a84c0", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999"] as const;

/** Grey that is readable on white and on black. */
const ink = "#7d7d7d";
const maxPointsPerSeries = 1000;

function specOf(options: ChartOptions, values: readonly object[], mark: object, encoding: object): VegaLiteSpec {
  const axis = {
    labelColor: ink,
    titleColor: ink,
    tickColor: ink,
    domainColor: ink,
    gridColor: ink,
    gridOpacity: 0.25,
  };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    ...(options.title ? { title: options.title } : {}),
    width: options.width ?? 480,
    height: options.height ?? 220,
    background: "transparent",
    data: { values },
    mark,
    encoding,
    config: {
      axis,
      legend: { labelColor: ink, titleColor: ink },
      title: { color: ink },
      view: { stroke: "transparent" },
    },
  };
}

function quantity(
  title: string | undefined,
  options: { log?: boolean; base?: number; domain?: readonly [number, number]; zero?: boolean },
) {
  const { log, base, domain, zero = false } = options;
  return {
    type: "quantitative",
    title: title ?? null,
    scale: log
      ? { type: "log", ...(base ? { base } : {}), ...(domain ? { domain } : {}) }
      : { zero, ...(domain ? { domain } : {}) },
  };
}

const colour = (names: readonly string[]) => ({
  type: "nominal",
  title: null,
  sort: names,
  scale: { domain: names, range: names.map((_, i) => palette[i % palette.length]) },
  ...(names.length > 1 ? {} : { legend: null }),
});

export interface Series {
  readonly name: string;
  /** Default: 0, 1, 2, ... */
  readonly x?: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Edges of a band around the curve, shown as a pale area. */
  readonly band?: { readonly low: ArrayLike<number>; readonly high: ArrayLike<number> };
}

/**
 * Curves over a common x axis. Long curves are thinned to about a thousand points each; values that are not finite leave
 * gaps.
 *
 * @throws InvalidInputError when a series' x and y differ in length, or a name comes twice.
 * @example
 * lineChart([{ name: "reward", y: rewards }], { x: "step", y: "reward" });
 */
export function lineChart(series: readonly Series[], options: ChartOptions = {}): Chart {
  const names = series.map(({ name }) => name);
  refuseTwice(names, "series");
  const isDrawn = (value: number) => Number.isFinite(value) && !(options.logY && value <= 0);
  const values = series.flatMap(({ name, x, y }) => {
    if (x && x.length !== y.length)
      throw new InvalidInputError(`Series ${JSON.stringify(name)} has ${x.length} x values but ${y.length} y values.`);
    const points = decimate({ x: x ?? Array.from(y, (_, i) => i), y }, maxPointsPerSeries);
    return points.x.map((at, i) => ({ series: name, x: at, y: isDrawn(points.y[i]!) ? points.y[i]! : null }));
  });
  const mark = {
    type: "line",
    strokeWidth: 1.8,
    tooltip: true,
    point: values.length <= 40 * series.length,
    clip: options.domainY !== undefined,
  };
  const encoding = {
    x: { field: "x", ...quantity(options.x, { log: options.logX, base: 2 }) },
    y: { field: "y", ...quantity(options.y, { log: options.logY, domain: options.domainY }) },
    color: { field: "series", ...colour(names) },
  };
  const summary = summarise(options.title, series);
  const bands = series.flatMap(({ name, x, y, band }) =>
    band ? Array.from(y, (_, i) => ({ series: name, x: x?.[i] ?? i, low: band.low[i]!, high: band.high[i]! })) : [],
  );
  if (!bands.length) return new Chart(specOf(options, values, mark, encoding), summary);
  const { mark: line, encoding: curve, ...base } = specOf(options, values, mark, encoding);
  const area = {
    data: { values: bands },
    mark: { type: "area", opacity: 0.18 },
    encoding: { ...encoding, y: { ...encoding.y, field: "low" }, y2: { field: "high" } },
  };
  return new Chart({ ...base, layer: [area, { mark: line, encoding: curve }] }, summary);
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Bars of one name stand side by side by group. */
  readonly group?: string;
  /** Ends of an interval around the value, drawn as a whisker. */
  readonly low?: number;
  readonly high?: number;
}

/**
 * Bars from zero, in the order given; with groups, side by side.
 *
 * @throws InvalidInputError when a bar comes twice.
 * @example
 * barChart([{ name: "chain", value: 0.16, group: "before" }, { name: "chain", value: 0.86, group: "after" }]);
 */
export function barChart(bars: readonly Bar[], options: ChartOptions = {}): Chart {
  refuseTwice(
    bars.map(({ name, group }) => (group === undefined ? name : `${name} / ${group}`)),
    "bar",
  );
  const names = [...new Set(bars.map(({ name }) => name))];
  const groups = [...new Set(bars.flatMap(({ group }) => (group === undefined ? [] : [group])))];
  const finite = (value: number | undefined) => (Number.isFinite(value) ? value! : null);
  const values = bars.map(({ name, value, group, low, high }) => ({
    name,
    value: finite(value),
    ...(group === undefined ? {} : { group }),
    ...(low === undefined ? {} : { low: finite(low) }),
    ...(high === undefined ? {} : { high: finite(high) }),
  }));
  const shared = {
    x: {
      field: "name",
      type: "nominal",
      sort: names,
      title: options.x ?? null,
      axis: { labelAngle: names.length > 6 ? -40 : 0 },
    },
    ...(groups.length ? { xOffset: { field: "group", type: "nominal", sort: groups } } : {}),
  };
  const y = quantity(options.y, { log: options.logY, domain: options.domainY, zero: true });
  const bar = {
    mark: { type: "bar", tooltip: true },
    encoding: {
      y: { field: "value", ...y },
      color: groups.length ? { field: "group", ...colour(groups) } : { value: palette[0] },
    },
  };
  const whisker = {
    mark: { type: "rule", color: ink, strokeWidth: 1.5 },
    encoding: { y: { field: "low", ...y }, y2: { field: "high" } },
  };
  const hasIntervals = bars.some(({ low, high }) => low !== undefined && high !== undefined);
  const { mark: _, ...base } = specOf(options, values, {}, shared);
  const spec = { ...base, layer: hasIntervals ? [bar, whisker] : [bar] };
  return new Chart(spec, summariseBars(options.title, bars));
}

function refuseTwice(names: readonly string[], what: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InvalidInputError(`The ${what} ${JSON.stringify(twice)} comes twice.`);
}

function summarise(title: string | undefined, series: readonly Series[]): string {
  const width = Math.max(0, ...series.map(({ name }) => [...name].length));
  const lines = series.map(({ name, y }) => {
    const range = rangeOf(y);
    const figures = range
      ? `last ${formatNumber(y[y.length - 1]!)}  min ${formatNumber(range.min)}  max ${formatNumber(range.max)}`
      : "no values";
    return `${pad(name, width)}  ${sparkline(y)}  ${figures}`;
  });
  return [...(title ? [title] : []), ...lines].join("\n");
}

function summariseBars(title: string | undefined, bars: readonly Bar[]): string {
  const names = bars.map(({ name, group }) => (group === undefined ? name : `${name} (${group})`));
  const width = Math.max(0, ...names.map((name) => [...name].length));
  const largest = Math.max(...bars.map(({ value }) => (Number.isFinite(value) ? Math.abs(value) : 0)));
  const lines = bars.map(({ value, low, high }, i) => {
    const length = largest > 0 && Number.isFinite(value) ? Math.round((24 * Math.abs(value)) / largest) : 0;
    const interval = low === undefined || high === undefined ? "" : ` (${formatNumber(low)} to ${formatNumber(high)})`;
    return `${pad(names[i]!, width)}  ${pad("█".repeat(length), 24)}  ${formatNumber(value)}${interval}`;
  });
  return [...(title ? [title] : []), ...lines].join("\n");
}
