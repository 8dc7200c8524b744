import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, type TopLevelSpec } from "vega-lite";
import { InvalidInputError } from "../../src/base/errors.ts";
import { barChart, type Chart, displaySymbol, lineChart } from "../../src/display/index.ts";
import { decimate, sparkline } from "../../src/display/series.ts";
import { parseXml } from "./tools.ts";

/** Compiles a chart's specification; Vega-Lite must have nothing to complain about. */
function compileQuietly(chart: Chart): void {
  const complaints: unknown[] = [];
  const complain = (...what: unknown[]) => {
    complaints.push(what);
    return logger;
  };
  const logger = { level: () => logger, error: complain, warn: complain, info: () => logger, debug: () => logger };
  compile(JSON.parse(JSON.stringify(chart.spec)) as TopLevelSpec, { logger: logger as never });
  assert.deepEqual(complaints, []);
}

const curves = () =>
  lineChart(
    [
      { name: "reward <1>", y: [-1, -0.5, 0, Number.NaN, 0.5] },
      { name: "accuracy", x: [1, 2, 3], y: [0.1, 0.2, 0.3] },
    ],
    { title: "A & B", x: "step", y: "value", domainY: [-1, 0.4] },
  );

const bars = () =>
  barChart(
    [
      { name: "chain", value: 0.16, group: "before", low: 0.1, high: 0.2 },
      { name: "chain", value: 0.86, group: "after", low: 0.8, high: 0.9 },
      { name: "algebra", value: 0.3, group: "before", low: 0.2, high: 0.4 },
      { name: "algebra", value: 0.6, group: "after", low: 0.5, high: 0.7 },
    ],
    { y: "accuracy", domainY: [0, 1] },
  );

for (const [what, make] of [
  ["line chart", curves],
  ["bar chart", bars],
] as const) {
  test(`a ${what} compiles, and its SVG is well-formed and always the same`, async () => {
    compileQuietly(make());
    const bundle = await make()[displaySymbol]();
    const svg = String(bundle["image/svg+xml"]);
    const { elements } = parseXml(svg);
    assert.equal(elements[0]!.name, "svg");
    assert.ok(elements.every(({ name }) => name !== "script" && name !== "image"));
    assert.equal(await make().toSvg(), svg);
    assert.deepEqual(bundle["application/vnd.vegalite.v5+json"], make().spec);
  });
}

test("a curve is drawn where its values are, and a missing value is a gap", async () => {
  const { elements, text } = parseXml(await curves().toSvg());
  const paths = elements.filter(({ attributes }) => attributes.get("aria-roledescription") === "line mark");
  assert.equal(paths.length, 2);
  // Two stretches: before and after the missing value.
  assert.equal(paths[0]!.attributes.get("d")!.split("M").length - 1, 2);
  for (const word of ["A &amp; B", "reward &lt;1&gt;", "accuracy", "step", "value"])
    assert.ok(text.includes(word), word);
});

test("what lies outside of the axis is cut off, by a clip path of the chart's own", async () => {
  const clipOf = (svg: string) => {
    const { elements } = parseXml(svg);
    const ids = elements.filter(({ name }) => name === "clipPath").map(({ attributes }) => attributes.get("id")!);
    assert.ok(ids.length > 0 && ids.every((id) => svg.includes(`url(#${id})`)));
    return ids[0]!;
  };
  const other = lineChart([{ name: "a", y: [1, 2] }], { domainY: [0, 1] });
  assert.notEqual(clipOf(await curves().toSvg()), clipOf(await other.toSvg()));
});

test("bars are drawn as high as their values, with their intervals", async () => {
  const { elements } = parseXml(await bars().toSvg());
  const heights = elements
    .filter(({ attributes }) => attributes.get("aria-roledescription") === "bar")
    .map(({ attributes }) => Number(/v(-?[\d.]+)/.exec(attributes.get("d")!)![1]));
  assert.equal(heights.length, 4);
  assert.ok(Math.abs(heights[1]! / heights[0]! - 0.86 / 0.16) < 1e-2);
  const whiskers = elements.filter(({ attributes }) => attributes.get("aria-roledescription") === "rule mark");
  const lengths = whiskers.map(({ attributes }) => Math.abs(Number(attributes.get("y2"))));
  assert.deepEqual(
    lengths.map((length) => Math.round((10 * length) / lengths[0]!)),
    [10, 10, 20, 20],
  );
});

test("the summary in text gives shape, last value and range", () => {
  const text = String(lineChart([{ name: "loss", y: [4, 3, 2, 1] }], { title: "Loss" }));
  assert.equal(text, "Loss\nloss  █▆▃▁  last 1  min 1  max 4");
  assert.match(String(bars()), /chain \(after\)\s+█+\s+0\.86 \(0\.8 to 0\.9\)/);
});

test("a long curve is thinned without losing its extremes", () => {
  const y = Array.from({ length: 50_000 }, (_, i) => (i === 31_234 ? 9 : i === 77 ? -9 : Math.sin(i)));
  const { x, y: kept } = decimate({ x: y.map((_, i) => i), y }, 1000);
  assert.ok(kept.length <= 1000 && kept.includes(9) && kept.includes(-9));
  assert.equal(x[0], 0);
  assert.equal(x.at(-1), 49_999);
  assert.ok(x.every((at, i) => i === 0 || at > x[i - 1]!));
  const values = (lineChart([{ name: "a", y }]).spec.data as { values: unknown[] }).values;
  assert.ok(values.length <= 1000);
});

test("charts without values, and series that do not fit, are handled", async () => {
  parseXml(await lineChart([]).toSvg());
  parseXml(
    await lineChart([
      { name: "a", y: [] },
      { name: "b", y: [Number.NaN] },
    ]).toSvg(),
  );
  parseXml(await barChart([]).toSvg());
  assert.throws(() => lineChart([{ name: "a", x: [1], y: [1, 2] }]), InvalidInputError);
  assert.throws(
    () =>
      lineChart([
        { name: "a", y: [1] },
        { name: "a", y: [1] },
      ]),
    InvalidInputError,
  );
  assert.throws(
    () =>
      barChart([
        { name: "a", value: 1 },
        { name: "a", value: 2 },
      ]),
    InvalidInputError,
  );
});

test("a logarithmic axis leaves out what has no logarithm", () => {
  const chart = lineChart([{ name: "kl", y: [0.1, 0, -1, 10] }], { logY: true });
  compileQuietly(chart);
  assert.deepEqual(
    (chart.spec.data as { values: { y: number | null }[] }).values.map(({ y }) => y),
    [0.1, null, null, 10],
  );
});

test("a sparkline keeps its width and shows missing values as spaces", () => {
  assert.equal(sparkline([0, 7]), "▁█");
  assert.equal(sparkline([5, 5, 5]), "▅▅▅");
  assert.equal(sparkline([0, Number.NaN, 1]), "▁ █");
  assert.equal(
    [
      ...sparkline(
        Array.from({ length: 1000 }, (_, i) => i),
        16,
      ),
    ].length,
    16,
  );
  assert.equal(sparkline([]), "");
});
