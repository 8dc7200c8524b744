import { h } from "./dom.ts";
import { runOpener } from "./links.ts";
import { keptAlerts, type Mark, type RunSeries } from "./run-series.ts";

const shown = 50;

/** What guards said, the newest first, each with a way to the rollouts of its step. */
export class RunAlerts {
  readonly node: HTMLDetailsElement;
  readonly #run: RunSeries;
  readonly #summary = h("summary");
  readonly #list = h("ul");
  #drawn: { count: number; newest: Mark | undefined } = { count: 0, newest: undefined };

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
    const count = alerts.length;
    const newest = alerts.at(-1);
    this.node.hidden = count === 0;
    if (count === this.#drawn.count && newest === this.#drawn.newest) return;
    this.#drawn = { count, newest };
    this.#summary.textContent = count === 1 ? "1 alert" : `${count} alerts${count < keptAlerts ? "" : " or more"}`;
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
