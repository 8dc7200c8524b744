/** What an element is made with. Text is only ever set as text: a model wrote much of it. */
export interface Made {
  className?: string;
  text?: string;
  title?: string;
  attributes?: Readonly<Record<string, string>>;
  onClick?: (event: MouseEvent) => void;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  { className, text, title, attributes = {}, onClick }: Made = {},
  ...children: (Node | string | undefined)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  if (title !== undefined) node.title = title;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (onClick) node.addEventListener("click", onClick as EventListener);
  node.append(...children.filter((child) => child !== undefined));
  return node;
}

/** A number in a table: at most four digits that tell something. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 100_000)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(4)));
}

/** A choice of one of some values, by their names. */
export function choice(
  label: string,
  options: readonly (readonly [value: string, name: string])[],
  chosen: string,
  onChange: (value: string) => void,
): HTMLLabelElement {
  const select = make("select", { attributes: { "aria-label": label } });
  for (const [value, name] of options) select.append(new Option(name, value, false, value === chosen));
  select.addEventListener("change", () => onChange(select.value));
  return make("label", { className: "cirlab-choice" }, `${label} `, select);
}

/** One place on the way from the top to what is shown. */
export interface Crumb {
  readonly name: string;
  /** Goes there; absent for the place that is shown. */
  readonly open?: () => void;
}

export function breadcrumb(crumbs: readonly Crumb[]): HTMLElement {
  const list = make("nav", { className: "cirlab-crumbs", attributes: { "aria-label": "Way back" } });
  crumbs.forEach(({ name, open }, i) => {
    if (i > 0)
      list.append(make("span", { className: "cirlab-crumb-mark", text: "›", attributes: { "aria-hidden": "true" } }));
    list.append(
      open
        ? make("button", { className: "cirlab-crumb", text: name, onClick: open, attributes: { type: "button" } })
        : make("span", { className: "cirlab-crumb", text: name, attributes: { "aria-current": "location" } }),
    );
  });
  return list;
}
