import { make, short } from "../rollouts/dom.ts";
import { type RunRow, runs } from "./api.ts";
import { sparkline } from "./sparkline.ts";

export interface ListPageOptions {
  open(path: string): void;
  compare(paths: readonly string[]): void;
}

export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0);
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

export const formatTime = (iso: string | null): string => (iso ? new Date(iso).toLocaleString() : "–");

/** A run's state, as a word with its colour. */
export const stateBadge = ({ state }: Pick<RunRow, "state">): HTMLElement =>
  make("span", { className: "cirlab-state", text: state, attributes: { "data-state": state } });

/** All runs under the served folder. Arrow keys move, Enter opens, Space chooses for a comparison. */
export class ListPage {
  readonly node = make("div", { className: "cirlab-run-list" });
  readonly #options: ListPageOptions;
  readonly #table = make("table", { className: "cirlab-table" });
  readonly #note = make("p", { className: "cirlab-note", attributes: { role: "status" } });
  readonly #compare = make("button", { attributes: { type: "button" } });
  readonly #filter = make("input", {
    attributes: { type: "search", placeholder: "Filter by name, folder, state", "aria-label": "Filter runs" },
  });
  readonly #chosen = new Set<string>();
  #rows: readonly RunRow[] = [];
  #known = "";

  constructor(options: ListPageOptions) {
    this.#options = options;
    this.#filter.addEventListener("input", () => this.#draw());
    this.#compare.addEventListener("click", () => options.compare([...this.#chosen]));
    this.node.append(make("div", { className: "cirlab-tools" }, this.#filter, this.#compare), this.#note, this.#table);
    this.#table.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Reads the list anew. @returns whether a run in it trains. */
  async refresh(): Promise<boolean> {
    const { runs: rows, isIncomplete } = await runs.list();
    this.#note.textContent = !rows.length
      ? "There are no runs yet. A training that records puts its run into the folder “runs” beside its notebook."
      : isIncomplete
        ? "The served folder is large: runs in folders far down may be missing here."
        : "";
    this.#rows = rows;
    const text = JSON.stringify(rows);
    if (text !== this.#known) this.#draw();
    this.#known = text;
    return rows.some(({ isTrained }) => isTrained);
  }

  focus(): void {
    this.#table.querySelector<HTMLElement>("tbody tr")?.focus({ preventScroll: true });
  }

  #draw(): void {
    const wanted = this.#filter.value.toLowerCase();
    const shown = this.#rows.filter(({ path, name, state }) => `${path} ${name} ${state}`.toLowerCase().includes(wanted));
    const focused = document.activeElement?.closest<HTMLElement>("tr")?.dataset.path;
    const heads = ["", "run", "state", "steps", "last", "course", "alerts", "size", "begun"];
    this.#table.replaceChildren(
      make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { text, attributes: { scope: "col" } })))),
      make("tbody", {}, ...shown.map((row) => this.#row(row))),
    );
    for (const path of this.#chosen) if (!this.#rows.some((row) => row.path === path)) this.#chosen.delete(path);
    this.#tellChosen();
    const row = [...this.#table.querySelectorAll<HTMLElement>("tbody tr")].find(({ dataset }) => dataset.path === focused);
    if (focused) row?.focus({ preventScroll: true });
  }

  #row(row: RunRow): HTMLTableRowElement {
    const { path, state, problem, step, metric, alerts, bytes, createdAt, isTrained } = row;
    const box = make("input", { attributes: { type: "checkbox", "aria-label": `Compare ${path}` } });
    box.checked = this.#chosen.has(path);
    box.disabled = state === "damaged";
    box.addEventListener("change", () => {
      if (box.checked) this.#chosen.add(path);
      else this.#chosen.delete(path);
      this.#tellChosen();
    });
    const folder = path.split("/").slice(0, -1).join("/");
    const name = make(
      "td",
      { className: "cirlab-run-name" },
      make("button", { text: path.split("/").at(-1)!, attributes: { type: "button", tabindex: "-1" }, onClick: () => this.#options.open(path) }),
      make("small", { text: problem ? problem : folder, ...(problem && { className: "cirlab-trouble" }) }),
    );
    const course = metric ? sparkline(metric.course, `${metric.name} over the steps`) : "";
    const node = make(
      "tr",
      { attributes: { tabindex: "0", "data-path": path, ...(isTrained && { "data-trained": "" }) } },
      make("td", {}, box),
      name,
      make("td", {}, stateBadge(row)),
      make("td", { text: String(step), className: "cirlab-number" }),
      make("td", { text: metric ? `${metric.name} ${short(metric.last)}` : "–", className: "cirlab-number" }),
      make("td", {}, course),
      make("td", { text: alerts ? String(alerts) : "", className: "cirlab-number" }),
      make("td", { text: formatBytes(bytes), className: "cirlab-number" }),
      make("td", { text: formatTime(createdAt) }),
    );
    node.addEventListener("dblclick", () => this.#options.open(path));
    return node;
  }

  #tellChosen(): void {
    const count = this.#chosen.size;
    this.#compare.textContent = count > 1 ? `Compare ${count} runs` : "Compare";
    this.#compare.disabled = count < 2;
    this.#compare.title = count < 2 ? "Choose two runs or more" : "";
  }

  #key(event: KeyboardEvent): void {
    const row = event.target as HTMLElement;
    if (row.tagName !== "TR") return;
    const beside = event.key === "ArrowDown" ? row.nextElementSibling : event.key === "ArrowUp" ? row.previousElementSibling : undefined;
    if (beside) (beside as HTMLElement).focus();
    else if (event.key === "Enter") this.#options.open(row.dataset.path!);
    else if (event.key === " ") row.querySelector<HTMLInputElement>("input")?.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
