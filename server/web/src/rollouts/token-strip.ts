import type { RolloutView, ToolCallView } from "../../../../src/display/rollout-view.ts";
import { visibleControls } from "../../../../src/display/token-strip.ts";
import { make, short } from "./dom.ts";
import { type Heat, tints } from "./heat.ts";

const sourceNames: Readonly<Record<string, string>> = {
  prompt: "prompt",
  sampled: "sampled by the policy",
  tool: "tool output",
  forced: "forced",
  person: "written by a person",
  script: "written by a script",
  remote: "written by a remote model",
};

/** What the colours mean. */
export function sourceLegend(rollouts: readonly RolloutView[]): HTMLElement {
  const sources = new Set(rollouts.flatMap(({ sources }) => sources.map(([source]) => source)));
  const legend = make("div", { className: "cirlab-legend" });
  for (const source of sources)
    legend.append(
      make("span", {
        className: "cirlab-token",
        text: sourceNames[source] ?? source,
        attributes: { "data-source": source },
      }),
    );
  return legend;
}

/** A rollout's tokens in a row; outputs of tools stand in blocks that fold. */
export class TokenStrip {
  readonly node = make("div", { className: "cirlab-tokens" });
  readonly #rollout: RolloutView;
  readonly #tokens: HTMLElement[] = [];
  readonly #sources: string[];
  readonly #card: TokenCard;
  #cursor: number | undefined;

  /** @param card where a token's figures are shown. */
  constructor(rollout: RolloutView, card: TokenCard, onChoose?: (token: number) => void) {
    this.#rollout = rollout;
    this.#card = card;
    this.#sources = rollout.sources.flatMap(([source, count]) => new Array<string>(count).fill(source));
    this.#fill();
    const tokenOf = (event: Event): number | undefined => {
      const token = (event.target as HTMLElement).closest<HTMLElement>(".cirlab-token");
      return token?.dataset.token === undefined ? undefined : Number(token.dataset.token);
    };
    this.node.addEventListener("mouseover", (event) => {
      const token = tokenOf(event);
      if (token !== undefined) this.#tell(token);
    });
    this.node.addEventListener("mouseleave", () => {
      if (this.#cursor === undefined) card.hide();
      else this.#tell(this.#cursor);
    });
    this.node.addEventListener("click", (event) => {
      const token = tokenOf(event);
      if (token === undefined) return;
      this.moveTo(token);
      onChoose?.(token);
    });
  }

  get cursor(): number | undefined {
    return this.#cursor;
  }

  get length(): number {
    return this.#tokens.length;
  }

  /** The first token that the policy did not read but write. */
  get firstWritten(): number {
    const first = this.#sources.findIndex((source) => source !== "prompt");
    return first < 0 ? 0 : first;
  }

  /** Tints the tokens by a figure; undefined: by who wrote them. */
  paint(heat: Heat | undefined): void {
    const colours = heat && tints(this.#rollout, heat);
    this.node.classList.toggle("cirlab-mod-heat", heat !== undefined);
    this.#tokens.forEach((token, i) => {
      token.style.backgroundColor = colours?.[i] ?? "";
    });
  }

  /** Puts the cursor on a token, shows it and its figures. */
  moveTo(token: number): void {
    const at = Math.max(0, Math.min(this.#tokens.length - 1, token));
    if (this.#cursor !== undefined) this.#tokens[this.#cursor]?.classList.remove("cirlab-mod-cursor");
    this.#cursor = at;
    const node = this.#tokens[at];
    if (!node) return;
    for (let block = node.closest("details"); block; block = block.parentElement!.closest("details")) block.open = true;
    node.classList.add("cirlab-mod-cursor");
    node.scrollIntoView({ block: "nearest" });
    this.#tell(at);
  }

  /** Marks the tokens in which a text was found. @returns the first of them. */
  mark(found: (text: string) => readonly (readonly [start: number, end: number])[]): number | undefined {
    const { texts } = this.#rollout;
    const ranges = found(texts.join(""));
    let first: number | undefined;
    let start = 0;
    let next = 0;
    texts.forEach((text, i) => {
      const end = start + text.length;
      while (next < ranges.length && ranges[next]![1] <= start) next++;
      const isIn = next < ranges.length && ranges[next]![0] < end && text.length > 0;
      this.#tokens[i]!.classList.toggle("cirlab-mod-found", isIn);
      if (isIn) first ??= i;
      start = end;
    });
    return first;
  }

  #fill(): void {
    const { toolCalls } = this.#rollout;
    let at = 0;
    toolCalls.forEach((call, i) => {
      this.node.append(this.#section(at, call.start));
      this.node.append(this.#block(call, i));
      at = call.end;
    });
    this.node.append(this.#section(at, this.#rollout.ids.length));
  }

  #section(start: number, end: number): DocumentFragment {
    const part = document.createDocumentFragment();
    for (let i = start; i < end; i++) {
      const token = make("span", { className: "cirlab-token", text: visibleControls(this.#rollout.texts[i]!) });
      token.dataset.token = String(i);
      token.dataset.source = this.#sources[i]!;
      this.#tokens[i] = token;
      part.append(token);
    }
    return part;
  }

  #block(call: ToolCallView, index: number): HTMLElement {
    const { status, code, durationMs, error, edited, stdout, stderr } = call;
    const facts = [
      ...(error ? [error.message ? `${error.name}: ${error.message}` : error.name] : []),
      ...(durationMs === undefined ? [] : [`${short(durationMs)} ms`]),
      ...(edited ? ["output replaced by hand"] : []),
    ];
    const summary = make(
      "summary",
      { className: "cirlab-call-head" },
      make("span", { text: `Call ${index + 1}` }),
      make("span", { className: "cirlab-call-status", text: status, attributes: { "data-status": status } }),
      make("span", { className: "cirlab-call-facts", text: visibleControls(facts.join(" · ")) }),
    );
    const part = (name: string, text: string) =>
      text
        ? make("div", { className: "cirlab-call-part" }, make("h4", { text: name }), make("pre", { text }))
        : undefined;
    const output = make("div", { className: "cirlab-call-part" }, make("h4", { text: "What the policy read" }));
    output.append(this.#section(call.start, call.end));
    const isRead = call.feedback.includes(stdout.trim());
    return make(
      "details",
      { className: "cirlab-call", attributes: { open: "" } },
      summary,
      part("Code", code.replace(/^\s*\n|\s+$/g, "")),
      part("Output", isRead ? "" : stdout),
      part("Error output", stderr),
      output,
    );
  }

  #tell(token: number): void {
    const { ids, texts, figures } = this.#rollout;
    const source = this.#sources[token]!;
    const facts: [string, string][] = [
      ["token", `#${token}`],
      ["text", JSON.stringify(texts[token])],
      ["id", String(ids[token])],
      ["source", sourceNames[source] ?? source],
      ...Object.entries(figures).flatMap(([name, values]): [string, string][] => {
        const value = values[token];
        if (value === null || value === undefined) return [];
        return [[name, name === "clipped" ? (value ? "yes" : "no") : String(value)]];
      }),
    ];
    this.#card.show(this.#tokens[token]!, facts);
  }
}

/** The card with the figures of the token under the pointer, or under the cursor. */
export class TokenCard {
  readonly node = make("dl", { className: "cirlab-token-card", attributes: { role: "status" } });

  constructor() {
    this.node.hidden = true;
  }

  show(at: HTMLElement, facts: readonly (readonly [string, string])[]): void {
    this.node.replaceChildren(
      ...facts.flatMap(([name, value]) => [make("dt", { text: name }), make("dd", { text: value })]),
    );
    this.node.hidden = false;
    const token = at.getClientRects()[0] ?? at.getBoundingClientRect();
    const { width, height } = this.node.getBoundingClientRect();
    const below = token.bottom + 6;
    const top = below + height > window.innerHeight ? Math.max(0, token.top - height - 6) : below;
    this.node.style.left = `${Math.max(4, Math.min(token.left, window.innerWidth - width - 8))}px`;
    this.node.style.top = `${top}px`;
  }

  hide(): void {
    this.node.hidden = true;
  }
}
