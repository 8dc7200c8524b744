import { h } from "./dom.ts";
import { runOpener } from "./links.ts";
import type { RunSeries } from "./run-series.ts";

const shown = 50;

/** What guards said, the newest first, each with a way to the rollouts of its step. */
export class RunAlerts {
  readonly node: HTMLDetailsElement;
  readonly #run: RunSeries;
  readonly #summary = h("summary");
  readonly #list = h("ul");
  #drawn = "";

  constructor(run: RunSeries) {
    this.#run = run;
    this.node = h("details", { className: "cirlab-run-alerts", open: true }, this.#summary, this.#list);
    run.changed.connect(this.#show, this);
    this.#show();
  }

  dispose(): void {
    this.#run.changed.disconnect(this.#show, this);
  }

  #show(): void {
    const alerts = this.#run.marks.filter(({ kind }) => kind === "alert" || kind === "course");
    const key = `${alerts.length} ${alerts.at(-1)?.step}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.node.hidden = alerts.length === 0;
    this.#summary.textContent = alerts.length === 1 ? "1 alert" : `${alerts.length} alerts`;
    const open = runOpener();
    const items = alerts.slice(-shown).reverse();
    this.#list.replaceChildren(
      ...items.map(({ step, text, kind }) => {
        const where = `step ${step}`;
        const link = open && h("a", { href: "#", textContent: where, title: `The rollouts of step ${step}` });
        link?.addEventListener("click", (event) => {
          event.preventDefault();
          open?.(this.#run.id, step);
        });
        const item = h("li", {}, link ?? where, `: ${text}`);
        item.dataset.kind = kind;
        return item;
      }),
    );
  }
}
