import { InvalidInputError } from "../base/errors.ts";
import { pad } from "./format.ts";
import { displaySymbol, type MimeBundle } from "./host.ts";
import { html, type SafeHtml } from "./html.ts";

/** One token of a strip. */
export interface StripToken {
  readonly text: string;
  /** What made it; tokens of one kind in a row share a tint. `prompt`, `sampled`, `tool`, `forced` have their own. */
  readonly kind: string;
  /** Shown when the pointer rests on the token, for example its log-prob. */
  readonly title?: string;
  /** 0 to 1: how strong the tint is. Default: a light tint. */
  readonly intensity?: number;
}

export interface TokenStripOptions {
  /** What the kinds mean, by kind; shown above the tokens. Default: the kinds' own names. `false` leaves it out. */
  legend?: Readonly<Record<string, string>> | false;
}

interface Look {
  /** `#rrggbb` of the tint: hues that colour-blind readers tell apart (Okabe and Ito, 2008). */
  readonly colour: string;
  /** The kind must be visible without colour too. */
  readonly underline: string;
  /** Element that still tells the kinds apart where a page drops styles. */
  readonly element: "span" | "b" | "i" | "u";
}

const looks: Readonly<Record<string, Look>> = {
  prompt: { colour: "#808080", underline: "1px dotted", element: "span" },
  sampled: { colour: "#0072b2", underline: "2px solid", element: "b" },
  tool: { colour: "#e69f00", underline: "2px dashed", element: "i" },
  forced: { colour: "#cc79a7", underline: "3px double", element: "u" },
};
const otherLook: Look = { colour: "#009e73", underline: "2px dotted", element: "span" };
const lookOf = (kind: string): Look => (Object.hasOwn(looks, kind) ? looks[kind]! : otherLook);

/**
 * Text with its white space visible: `·` for a space, `⏎` before a line break, `→` for a tab. Control characters and
 * those that reorder text are written out, so that what is read is what is there.
 */
export const visibleText = (text: string): string => visibleControls(text.replace(/ /g, "·"));

/** As {@link visibleText}, with spaces as they are. */
export function visibleControls(text: string): string {
  return text
    .replace(/\r/g, "␍")
    .replace(/\n/g, "⏎\n")
    .replace(/\t/g, "→")
    .replace(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}

/** Tokens next to each other that are of one kind. */
function runsOf(tokens: readonly StripToken[]): { kind: string; tokens: StripToken[] }[] {
  const runs: { kind: string; tokens: StripToken[] }[] = [];
  for (const token of tokens) {
    const last = runs.at(-1);
    if (last?.kind === token.kind) last.tokens.push(token);
    else runs.push({ kind: token.kind, tokens: [token] });
  }
  return runs;
}

/** Tokens in a row, tinted by what made them. */
export class TokenStrip {
  readonly tokens: readonly StripToken[];
  readonly #legend: Readonly<Record<string, string>> | false;

  constructor(tokens: readonly StripToken[], { legend = {} }: TokenStripOptions = {}) {
    const bad = tokens.findIndex(({ intensity = 0 }) => !(intensity >= 0 && intensity <= 1));
    if (bad >= 0)
      throw new InvalidInputError(`Token ${bad}: intensity must be from 0 to 1, was ${tokens[bad]!.intensity}.`);
    this.tokens = tokens;
    this.#legend = legend;
  }

  /** A block of text for each run of tokens, with its kind in front. */
  toString(): string {
    const width = Math.max(0, ...this.tokens.map(({ kind }) => kind.length));
    return runsOf(this.tokens)
      .map(({ kind, tokens }) => {
        const text = visibleText(tokens.map((token) => token.text).join("")).replace(/\n$/, "");
        return text
          .split("\n")
          .map((line, i) => `${pad(i === 0 ? kind : "", width)} │ ${line}`)
          .join("\n");
      })
      .join("\n");
  }

  toHtml(): SafeHtml {
    const strip = runsOf(this.tokens).map(({ kind, tokens }) =>
      this.#run(
        kind,
        tokens.map((token) => this.#token(token)),
      ),
    );
    return html`${this.#legendHtml()}<div style="font-family:monospace;font-size:13px;line-height:1.8;white-space:pre-wrap;overflow-wrap:anywhere">${strip}</div>`;
  }

  [displaySymbol](): MimeBundle {
    return { "text/plain": this.toString(), "text/html": this.toHtml().markup };
  }

  #run(kind: string, content: SafeHtml | readonly SafeHtml[]): SafeHtml {
    const { colour, underline, element } = lookOf(kind);
    const style = `background:${colour}29;border-bottom:${underline} ${colour};font-weight:400;font-style:normal;text-decoration:none`;
    if (element === "b") return html`<b style="${style}">${content}</b>`;
    if (element === "i") return html`<i style="${style}">${content}</i>`;
    if (element === "u") return html`<u style="${style}">${content}</u>`;
    return html`<span style="${style}">${content}</span>`;
  }

  #token({ text, kind, title, intensity }: StripToken): SafeHtml {
    const alpha = Math.round(180 * (intensity ?? 0));
    const tint =
      intensity === undefined ? "" : `;background:${lookOf(kind).colour}${alpha.toString(16).padStart(2, "0")}`;
    // The hairline shows where one token ends and the next begins.
    const style = `border-left:1px solid #8886${tint}`;
    return title === undefined
      ? html`<span style="${style}">${visibleText(text)}</span>`
      : html`<span style="${style}" title="${title}">${visibleText(text)}</span>`;
  }

  #legendHtml(): SafeHtml | undefined {
    const names = this.#legend;
    if (names === false) return undefined;
    const kinds = [...new Set(this.tokens.map(({ kind }) => kind))];
    const entries = kinds.map((kind, i) => html`${i ? "  " : ""}${this.#run(kind, html`${names[kind] ?? kind}`)}`);
    return html`<div style="font-size:12px;white-space:pre;margin-bottom:4px">${entries}</div>`;
  }
}

/**
 * A coloured strip of tokens.
 *
 * @throws InvalidInputError for an intensity outside of 0 to 1.
 * @example
 * tokenStrip(rollout.tokens.map((t) => ({ text: t.text, kind: t.source, title: `logprob ${t.logprob}` })));
 */
export function tokenStrip(tokens: readonly StripToken[], options: TokenStripOptions = {}): TokenStrip {
  return new TokenStrip(tokens, options);
}
