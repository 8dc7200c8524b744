import { make } from "./dom.ts";

const rowHeight = 30;
/** Rows beyond the visible ones, so that scrolling shows no gap. */
const spare = 8;

/** Thousands of rows of one height, of which only those in sight are in the page. Arrow keys move, Enter opens. */
export class VirtualRows<T> {
  readonly node = make("div", {
    className: "cirlab-rows",
    attributes: { tabindex: "0", role: "listbox", "aria-label": "Rollouts" },
  });
  readonly #space = make("div", { className: "cirlab-rows-space" });
  readonly #build: (item: T) => HTMLElement;
  readonly #open: (item: T) => void;
  readonly #resize = new ResizeObserver(() => this.#draw());
  #items: readonly T[] = [];
  #chosen = 0;

  constructor(build: (item: T) => HTMLElement, open: (item: T) => void) {
    this.#build = build;
    this.#open = open;
    this.node.append(this.#space);
    this.node.addEventListener("scroll", () => this.#draw(), { passive: true });
    this.node.addEventListener("keydown", (event) => this.#key(event));
    this.#resize.observe(this.node);
  }

  get chosen(): T | undefined {
    return this.#items[this.#chosen];
  }

  /** @param chosen the row that has the cursor. */
  set(items: readonly T[], chosen = 0): void {
    this.#items = items;
    this.#chosen = Math.max(0, Math.min(items.length - 1, chosen));
    this.#space.style.height = `${items.length * rowHeight}px`;
    this.#draw();
    this.#scrollToChosen();
  }

  dispose(): void {
    this.#resize.disconnect();
  }

  #key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.node.clientHeight / rowHeight) - 1);
    const last = this.#items.length - 1;
    const moves: Record<string, number> = {
      ArrowDown: this.#chosen + 1,
      ArrowUp: this.#chosen - 1,
      PageDown: this.#chosen + page,
      PageUp: this.#chosen - page,
      Home: 0,
      End: last,
    };
    const to = moves[event.key];
    if (to !== undefined) this.#choose(Math.max(0, Math.min(last, to)));
    else if (event.key === "Enter" && this.chosen !== undefined) this.#open(this.chosen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #choose(place: number): void {
    this.#chosen = place;
    this.#scrollToChosen();
    this.#draw();
  }

  #scrollToChosen(): void {
    const top = this.#chosen * rowHeight;
    const { scrollTop, clientHeight } = this.node;
    if (top < scrollTop) this.node.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight) this.node.scrollTop = top + rowHeight - clientHeight;
  }

  #draw(): void {
    const first = Math.max(0, Math.floor(this.node.scrollTop / rowHeight) - spare);
    const count = Math.ceil(this.node.clientHeight / rowHeight) + 2 * spare;
    const rows = this.#items.slice(first, first + count).map((item, i) => {
      const place = first + i;
      const row = this.#build(item);
      row.classList.add("cirlab-row");
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", String(place === this.#chosen));
      row.id ||= `cirlab-row-${place}`;
      row.style.top = `${place * rowHeight}px`;
      row.addEventListener("click", () => {
        this.#chosen = place;
        this.#open(item);
      });
      return row;
    });
    this.#space.replaceChildren(...rows);
    this.node.setAttribute("aria-activedescendant", `cirlab-row-${this.#chosen}`);
  }
}
