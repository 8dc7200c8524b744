import type { RolloutRow, StepRows } from "../../../../src/display/rollout-rows.ts";
import { visibleControls } from "../../../../src/display/token-strip.ts";
import { choice, make, short } from "./dom.ts";
import { countsOf, filteredRows, type RowFilter, type SortKey } from "./row-filter.ts";
import type { RolloutSource } from "./source.ts";
import { VirtualRows } from "./virtual-rows.ts";

const columns: readonly (readonly [key: SortKey | undefined, name: string])[] = [
  ["index", "rollout"],
  ["reward", "reward"],
  ["advantage", "advantage"],
  ["outcome", "outcome"],
  ["toolCalls", "calls"],
  ["length", "tokens"],
  [undefined, "question and answer"],
];

const oneLine = (text: string): string => visibleControls(text.replace(/\s+/g, " "));

/** The rollouts of a step: searched, filtered, sorted. */
export class RolloutList {
  readonly node = make("div", { className: "cirlab-rollout-list" });
  readonly #source: RolloutSource;
  readonly #rows: VirtualRows<RolloutRow>;
  readonly #head = make("div", { className: "cirlab-row cirlab-row-head" });
  readonly #tools = make("div", { className: "cirlab-tools" });
  readonly #count = make("span", { className: "cirlab-count", attributes: { role: "status" } });
  readonly #trouble = make("div", { className: "cirlab-trouble", attributes: { role: "alert" } });
  readonly #search = make("input", {
    attributes: { type: "search", placeholder: "Search in prompts and texts", "aria-label": "Search" },
  });
  readonly #regex = make("input", { attributes: { type: "checkbox" } });
  #all: readonly RolloutRow[] = [];
  #shown: readonly RolloutRow[] = [];
  #filter: RowFilter = { sort: "index", isDescending: false };
  #searches = 0;

  constructor(source: RolloutSource, open: (row: RolloutRow) => void) {
    this.#source = source;
    this.#rows = new VirtualRows(rowOf, open);
    this.#trouble.hidden = true;
    const begin = () => void this.#find();
    let typing: ReturnType<typeof setTimeout> | undefined;
    this.#search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(begin, 250);
    });
    this.#regex.addEventListener("change", begin);
    this.node.append(this.#tools, this.#trouble, this.#head, this.#rows.node);
  }

  /** Rows in the order shown: the way from one rollout to the next. */
  get shown(): readonly RolloutRow[] {
    return this.#shown;
  }

  /** What is searched for, to mark it in a rollout that is opened. */
  get search(): { text: string; isRegex: boolean } {
    return { text: this.#search.value, isRegex: this.#regex.checked };
  }

  set({ rows }: StepRows): void {
    this.#all = rows;
    this.#fillTools();
    this.#apply();
  }

  focus(): void {
    this.#rows.node.focus({ preventScroll: true });
  }

  /** Puts the cursor on a rollout, if it is among those shown. */
  choose(index: number): void {
    this.#rows.set(
      this.#shown,
      this.#shown.findIndex((row) => row.index === index),
    );
  }

  dispose(): void {
    this.#rows.dispose();
  }

  #fillTools(): void {
    const all = this.#all;
    const select = (name: "outcome" | "family", values: readonly [string, number][]) =>
      choice(
        name,
        [["", "any"], ...values.map(([value, count]) => [value, `${value} (${count})`] as const)],
        "",
        (value) => this.#change({ [name]: value || undefined }),
      );
    const marks = countsOf(all.flatMap((row) => row.marks));
    const families = countsOf(all.map(({ family }) => family));
    const filters = make(
      "details",
      { className: "cirlab-filters" },
      make("summary", { text: "Filter" }),
      make(
        "div",
        { className: "cirlab-filter-fields" },
        select("outcome", countsOf(all.map(({ outcome }) => outcome))),
        families.length > 1 ? select("family", families) : undefined,
        marks.length
          ? choice(
              "mark",
              [["-", "any or none"], ["", "any mark"], ...marks.map(([mark, n]) => [mark, `${mark} (${n})`] as const)],
              "-",
              (value) => this.#change({ mark: value === "-" ? undefined : value }),
            )
          : undefined,
        this.#range("reward"),
        this.#range("length", "tokens"),
        this.#range("toolCalls", "calls"),
      ),
    );
    this.#tools.replaceChildren(
      this.#search,
      make("label", { className: "cirlab-choice", title: "The search is a regular expression" }, this.#regex, " .*"),
      filters,
      this.#count,
    );
  }

  #range(key: "reward" | "length" | "toolCalls", label: string = key): HTMLElement {
    const field = (name: string) =>
      make("input", {
        attributes: { type: "number", step: "any", placeholder: name, "aria-label": `${label}, ${name}` },
      });
    const [from, to] = [field("from"), field("to")];
    const numberIn = ({ value }: HTMLInputElement) => (value === "" ? undefined : Number(value));
    for (const input of [from, to])
      input.addEventListener("input", () => this.#change({ [key]: [numberIn(from), numberIn(to)] }));
    return make("span", { className: "cirlab-choice" }, `${label} `, from, " – ", to);
  }

  async #find(): Promise<void> {
    const turn = ++this.#searches;
    const { text, isRegex } = this.search;
    this.#trouble.hidden = true;
    if (!text) return this.#change({ found: undefined });
    try {
      const found = await this.#source.search(text, isRegex);
      if (turn === this.#searches) this.#change({ found: new Set(found) });
    } catch (error) {
      if (turn !== this.#searches) return;
      this.#trouble.textContent = (error as Error).message;
      this.#trouble.hidden = false;
    }
  }

  #change(change: Partial<{ [K in keyof RowFilter]: RowFilter[K] | undefined }>): void {
    this.#filter = { ...this.#filter, ...change } as RowFilter;
    this.#apply();
  }

  #apply(): void {
    this.#shown = filteredRows(this.#all, this.#filter);
    const { sort, isDescending } = this.#filter;
    this.#head.replaceChildren(
      ...columns.map(([key, name]) => {
        const mark = key === sort ? (isDescending ? " ▾" : " ▴") : "";
        const cell = make("button", { text: name + mark, attributes: { type: "button", "data-column": name } });
        if (key)
          cell.addEventListener("click", () =>
            this.#change({ sort: key, isDescending: key === sort && !isDescending }),
          );
        else cell.disabled = true;
        return cell;
      }),
    );
    const [shown, all] = [this.#shown.length, this.#all.length];
    this.#count.textContent = shown === all ? `${all} rollouts` : `${shown} of ${all} rollouts`;
    this.#rows.set(this.#shown);
  }
}

function rowOf(row: RolloutRow): HTMLElement {
  const { group, sample, greedy, reward, advantage, outcome, toolCalls, length, prompt, response, marks } = row;
  const node = make(
    "div",
    {},
    make("span", { text: `${group}/${sample}${greedy ? " greedy" : ""}` }),
    make("span", { text: short(reward), className: "cirlab-number" }),
    make("span", { text: short(advantage), className: "cirlab-number" }),
    make("span", { text: marks.length ? `${outcome} · ${marks.join(", ")}` : outcome, className: "cirlab-outcome" }),
    make("span", { text: String(toolCalls), className: "cirlab-number" }),
    make("span", { text: String(length), className: "cirlab-number" }),
    make(
      "span",
      { className: "cirlab-row-text" },
      make("b", { text: oneLine(prompt) }),
      ` ${oneLine(response.startsWith(prompt) ? response.slice(prompt.length) : response)}`,
    ),
  );
  node.dataset.outcome = outcome === "correct" ? "correct" : "other";
  node.dataset.place = `${group}/${sample}`;
  return node;
}
