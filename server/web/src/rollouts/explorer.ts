import type { RolloutRow, StepRows } from "../../../../src/display/rollout-rows.ts";
import type { RolloutView } from "../../../../src/display/rollout-view.ts";
import { breadcrumb, type Crumb, make } from "./dom.ts";
import { GroupPage } from "./group-page.ts";
import { RolloutList } from "./rollout-list.ts";
import { RolloutPage } from "./rollout-page.ts";
import { occurrences, type RolloutSource } from "./source.ts";
import { TokenCard } from "./token-strip.ts";

/** Where the reader is among the rollouts of a step: the list, a group, a rollout, a token of it. */
export interface Place {
  readonly group?: number;
  /** The sample within the group; greedy ones are named `g0`. */
  readonly sample?: string;
  readonly token?: number;
}

/** What a place is shown with beside its rollouts. */
export interface Companion {
  readonly node: HTMLElement;
  /** The rollout that the reader looks at; undefined for a list or a group. */
  show(shown: { row: RolloutRow; view: RolloutView } | undefined): void;
  /** The reader put the cursor on a token of it. */
  choose(token: number): void;
}

export interface ExplorerOptions {
  readonly source: RolloutSource;
  /** The way that led here; its last one names the list. */
  readonly way: readonly Crumb[];
  /** The reader went to another place. */
  readonly onMove?: (place: Place) => void;
  readonly companion?: Companion;
  /** The reader wants to leave the list upwards. */
  readonly onLeave?: () => void;
}

const sampleOf = ({ sample, greedy }: RolloutRow): string => (greedy ? `g${sample}` : String(sample));

/** The rollouts of a step, from the list to the group to the rollout to the token, and back. */
export class RolloutExplorer {
  readonly node = make("div", { className: "cirlab-explorer" });
  readonly #options: ExplorerOptions;
  readonly #list: RolloutList;
  readonly #card = new TokenCard();
  readonly #crumbs = make("div", { className: "cirlab-explorer-head" });
  readonly #body = make("div", { className: "cirlab-explorer-body" });
  #rows: Promise<StepRows>;
  #place: Place = {};
  #turn = 0;

  constructor(options: ExplorerOptions) {
    this.#options = options;
    this.#list = new RolloutList(options.source, (row) => this.go({ group: row.group, sample: sampleOf(row) }));
    this.#rows = options.source.rows();
    this.node.append(this.#crumbs, ...(options.companion ? [options.companion.node] : []), this.#body);
    this.node.addEventListener("keydown", (event) => this.#key(event));
    this.#fillList();
  }

  /** The rollouts are not any more what they were: they are read anew, and the same place is shown. */
  reload(): void {
    this.#rows = this.#options.source.rows();
    this.#fillList();
    void this.#show(this.#place, true);
  }

  #fillList(): void {
    this.#rows.then(
      (rows) => this.#list.set(rows),
      () => undefined,
    );
  }

  /** The reader goes somewhere. */
  go(place: Place): void {
    this.#options.onMove?.(place);
    void this.show(place);
  }

  /** Shows a place; what cannot be had is told in its stead. */
  async show(place: Place): Promise<void> {
    await this.#show(place, false);
  }

  /** @param isAnew the reader is there already: whatever else has the focus, such as a form, keeps it. */
  async #show(place: Place, isAnew: boolean): Promise<void> {
    const turn = ++this.#turn;
    this.#place = place;
    this.#card.hide();
    try {
      const { rows } = await this.#rows;
      const { group, sample } = place;
      const siblings = rows.filter((row) => row.group === group);
      const chosen = siblings.find((row) => sampleOf(row) === sample);
      if (group !== undefined && (!siblings.length || (sample !== undefined && !chosen)))
        throw new Error(`There is no rollout ${group}/${sample ?? ""} here.`);
      const wanted = chosen ? [chosen] : siblings;
      const full = group === undefined ? [] : await this.#options.source.full(wanted.map(({ index }) => index));
      if (turn !== this.#turn) return;
      this.#fillCrumbs(chosen);
      this.#options.companion?.show(chosen && { row: chosen, view: full[0]! });
      const takesFocus = !isAnew || this.#body.contains(document.activeElement);
      if (group === undefined) this.#showList();
      else if (!chosen) this.#showGroup(siblings, full);
      else this.#showRollout(chosen, full[0]!, place.token);
      if (!takesFocus) return;
      if (group === undefined) this.#list.focus();
      else (this.#body.firstElementChild as HTMLElement).focus({ preventScroll: true });
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#fillCrumbs(undefined);
      this.#body.replaceChildren(make("p", { className: "cirlab-trouble", text: (error as Error).message }));
    }
  }

  dispose(): void {
    this.#list.dispose();
    this.#card.node.remove();
    this.node.remove();
  }

  #showList(): void {
    this.#body.replaceChildren(this.#list.node);
  }

  #showGroup(rows: readonly RolloutRow[], full: ConstructorParameters<typeof GroupPage>[0]): void {
    this.#attachCard();
    const page = new GroupPage(full, this.#card, (i) => this.go({ group: rows[i]!.group, sample: sampleOf(rows[i]!) }));
    this.#body.replaceChildren(page.node);
  }

  #showRollout(
    row: RolloutRow,
    rollout: ConstructorParameters<typeof RolloutPage>[0],
    token: number | undefined,
  ): void {
    this.#attachCard();
    const { group } = row;
    const sample = sampleOf(row);
    const page = new RolloutPage(rollout, this.#card, (token) => {
      this.#place = { group, sample, token };
      this.#options.companion?.choose(token);
      this.#options.onMove?.(this.#place);
    });
    this.#body.replaceChildren(page.node);
    const { text, isRegex } = this.#list.search;
    const found = isRegex ? undefined : page.strip.mark(occurrences(text));
    if (token !== undefined) this.#options.companion?.choose(token);
    if (token !== undefined) page.strip.moveTo(token);
    else if (found !== undefined) page.strip.moveTo(found);
  }

  /** On the page itself: what contains the viewer may be cut off or scrolled. */
  #attachCard(): void {
    if (!this.#card.node.isConnected) document.body.append(this.#card.node);
  }

  #fillCrumbs(row: RolloutRow | undefined): void {
    const { group } = this.#place;
    const way = this.#options.way;
    const last = way.at(-1)!;
    const crumbs: Crumb[] = [
      ...way.slice(0, -1),
      group === undefined ? { name: last.name } : { name: last.name, open: () => this.go({}) },
    ];
    if (group !== undefined)
      crumbs.push(row ? { name: `group ${group}`, open: () => this.go({ group }) } : { name: `group ${group}` });
    if (row) crumbs.push({ name: `rollout ${row.group}/${sampleOf(row)}` });
    this.#crumbs.replaceChildren(breadcrumb(crumbs));
    if (row) this.#crumbs.append(this.#neighbours(row));
  }

  /** The way to the rollouts before and after, in the order of the list. */
  #neighbours(row: RolloutRow): HTMLElement {
    const move = (by: number, name: string) => {
      const to = this.#beside(row.index, by);
      const button = make("button", { text: name, attributes: { type: "button" } });
      button.disabled = to === undefined;
      if (to) button.addEventListener("click", () => this.go({ group: to.group, sample: sampleOf(to) }));
      return button;
    };
    return make("span", { className: "cirlab-neighbours" }, move(-1, "↑ previous"), move(1, "↓ next"));
  }

  #beside(index: number, by: number): RolloutRow | undefined {
    const rows = this.#list.shown;
    const at = rows.findIndex((row) => row.index === index);
    return at < 0 ? undefined : rows[at + by];
  }

  #key(event: KeyboardEvent): void {
    const { group, sample, token } = this.#place;
    const isField = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key === "Escape") {
      if (isField) this.#list.focus();
      else if (token !== undefined) this.go({ group, sample });
      else if (sample !== undefined) this.go({ group });
      else if (group !== undefined) this.go({});
      else if (this.#options.onLeave) this.#options.onLeave();
      else return;
    } else if (!isField && sample !== undefined && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const button = this.#crumbs.querySelectorAll<HTMLButtonElement>(".cirlab-neighbours button");
      button[event.key === "ArrowUp" ? 0 : 1]?.click();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
