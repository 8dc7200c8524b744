import { button, h } from "./dom.ts";
import type { RunSeries } from "./run-series.ts";
import { SettingField } from "./setting-field.ts";

/** Changes a run's settings from its next step on: a field for each, with its bounds and present value. */
export class SettingsForm {
  readonly node: HTMLFormElement;
  readonly #run: RunSeries;
  readonly #fields: SettingField[];
  readonly #apply = h("button", { type: "submit", className: "cirlab-button", textContent: "Apply" });

  constructor(run: RunSeries, onApply: (values: Record<string, unknown>) => void) {
    this.#run = run;
    const { settings = {}, schema } = run.facts ?? {};
    const names = Object.keys(schema ?? settings).filter((name) => name in settings);
    this.#fields = names.map(
      (name) => new SettingField(name, schema?.[name] ?? {}, settings[name], () => this.#update()),
    );
    const search = h("input", { type: "search", placeholder: "Find a setting", className: "cirlab-search" });
    search.setAttribute("aria-label", "Find a setting");
    search.addEventListener("input", () => {
      const wanted = search.value.trim().toLowerCase();
      for (const { name, node } of this.#fields) node.hidden = !name.toLowerCase().includes(wanted);
    });
    const list = h("div", { className: "cirlab-fields" }, ...this.#fields.map(({ node }) => node));
    const reset = button("Reset", () => {
      for (const field of this.#fields) field.reset();
      this.#update();
    });
    this.node = h(
      "form",
      { className: "cirlab-settings", noValidate: true },
      search,
      list,
      h("div", { className: "cirlab-buttons" }, this.#apply, reset),
    );
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      const changed = this.#fields.filter(({ isChanged }) => isChanged);
      if (changed.length && changed.every(({ problem }) => !problem))
        onApply(Object.fromEntries(changed.map(({ name, value }) => [name, value])));
    });
    run.changed.connect(this.#refresh, this);
    this.#update();
  }

  dispose(): void {
    this.#run.changed.disconnect(this.#refresh, this);
    this.node.remove();
  }

  /** The run's values may have changed. */
  #refresh(): void {
    const settings = this.#run.facts?.settings ?? {};
    for (const field of this.#fields) field.present = settings[field.name];
    this.#update();
  }

  #update(): void {
    const changed = this.#fields.filter(({ isChanged }) => isChanged);
    this.#apply.disabled = !changed.length || changed.some(({ problem }) => problem);
    this.#apply.textContent = changed.length > 1 ? `Apply ${changed.length} changes` : "Apply";
  }
}
