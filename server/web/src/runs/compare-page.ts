import { choice, make, short } from "../rollouts/dom.ts";
import { type RunDetails, runs } from "./api.ts";
import { comparisonTable, configRows } from "./config-table.ts";
import { stateBadge } from "./list-page.ts";
import { MetricChart, metricNames, runColours } from "./metric-chart.ts";

let chosenMetric: string | undefined;

/** Several runs: one metric of all in one chart, and their settings side by side. */
export class ComparePage {
  readonly node = make("div", { className: "cirlab-run-page" });
  readonly #paths: readonly string[];
  readonly #open: (path: string) => void;
  readonly #tools = make("div", { className: "cirlab-tools" });
  readonly #runs = make("ul", { className: "cirlab-compared" });
  readonly #chart = new MetricChart();
  readonly #settings = make("section");
  #isWhole = false;
  #known = "";

  constructor(paths: readonly string[], open: (path: string) => void) {
    this.#paths = paths;
    this.#open = open;
    this.node.append(this.#tools, this.#runs, this.#chart.node, this.#settings);
  }

  async refresh(): Promise<boolean> {
    const all = await Promise.all(this.#paths.map((path) => runs.details(path)));
    const text = JSON.stringify(all);
    if (text !== this.#known) this.#draw(all);
    this.#known = text;
    return all.some(({ row }) => row.isTrained);
  }

  focus(): void {
    this.#tools.querySelector("select")?.focus({ preventScroll: true });
  }

  dispose(): void {
    this.#chart.dispose();
  }

  #draw(all: readonly RunDetails[]): void {
    const names = metricNames(all);
    if (chosenMetric === undefined || !names.includes(chosenMetric)) chosenMetric = names[0];
    const draw = (metric: string | undefined) => {
      this.#runs.replaceChildren(...all.map((details, i) => this.#line(details, metric, i)));
      if (metric !== undefined) this.#chart.draw(all.map(({ row, metrics }) => ({ label: row.id, metrics })), metric);
    };
    const select = choice("Metric", names.map((name) => [name, name] as const), chosenMetric ?? "", (metric) => {
      chosenMetric = metric;
      draw(metric);
    });
    this.#tools.replaceChildren(select);
    this.#chart.node.hidden = names.length === 0;
    draw(chosenMetric);
    this.#drawSettings(all);
  }

  #line({ row, metrics }: RunDetails, metric: string | undefined, place: number): HTMLElement {
    const last = metric === undefined ? undefined : metrics.columns[metric]?.findLast((value) => value !== null);
    const mark = make("span", { className: "cirlab-colour" });
    mark.style.backgroundColor = runColours[place % runColours.length]!;
    return make(
      "li",
      {},
      mark,
      make("button", { text: row.id, attributes: { type: "button" }, onClick: () => this.#open(row.path) }),
      stateBadge(row),
      make("span", { text: `step ${row.step}${metric ? ` · ${metric} ${short(last)}` : ""}` }),
    );
  }

  #drawSettings(all: readonly RunDetails[]): void {
    const readable = all.flatMap(({ row, config }) => (config ? [{ id: row.id, rows: configRows(config) }] : []));
    const box = make("input", { attributes: { type: "checkbox" } });
    box.checked = this.#isWhole;
    const draw = () =>
      comparisonTable(
        readable.map(({ id }) => id),
        readable.map(({ rows }) => rows),
        !this.#isWhole,
      );
    const place = make("div", { className: "cirlab-scroll" }, draw());
    box.addEventListener("change", () => {
      this.#isWhole = box.checked;
      place.replaceChildren(draw());
    });
    this.#settings.replaceChildren(
      make("h3", { text: "Settings" }),
      make("label", { className: "cirlab-choice" }, box, " also those that are the same"),
      place,
    );
  }
}
