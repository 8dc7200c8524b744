// Tokens of a LaTeX or plain answer. Notation: the LaTeX2e reference manual (math mode) and amsmath's user guide.
import {
  alphabets,
  fractions,
  functionNames,
  operators,
  plainWords,
  raised,
  renamed,
  skipped,
  spaces,
  textCommands,
  unicode,
  unicodeCommands,
} from "./notation.ts";
import { type Rational, rational, TooLargeError } from "./rational.ts";
import { isBareUnit } from "./units.ts";

/** The text is not an answer that the grader can read. */
export class ParseError extends Error {}

export interface Token {
  /** `op` holds signs, brackets and separators under one spelling each; `command` a LaTeX command or a known name. */
  type: "number" | "name" | "command" | "op" | "text";
  text: string;
  value?: Rational;
  /** A space stood before it. */
  spaced: boolean;
}

const longestNumber = 6000;
const number = /(\d*)(?:\.(\d*))?/y;
const thousandsExplicit = /\d{1,3}(?:(?:\{,\}|\\,|\\!|,\\!|\\ )\d{3})+(?![\d.]*\d{4})(?!\d)/y;
const thousandsComma = /\d{1,3}(?:,\d{3})+(?!\d)/y;
const repeating = /(\d*)\.(\d*)(?:\\overline|\\bar|\\dot|\\overbar)\s*(?:\{(\d+)\}|(\d))/y;
const scientific = /(\d+)(?:\.(\d+))?[eE]([+-]?\d{1,3})(?![\d.a-zA-Z^_({])/y;
const rootDegree = /\s*\[\s*(\d{1,3})\s*\]/y;
const letters = /[a-zA-Z]+/y;

/** The content of the brace group that opens at `at` (spaces before it are passed over), and where it ends. */
function group(text: string, at: number): { content: string; end: number } | undefined {
  while (text[at] === " ") at++;
  if (text[at] !== "{") return undefined;
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return { content: text.slice(at + 1, i), end: i + 1 };
  }
  return undefined;
}

/** An exact decimal from its digits. */
export function decimal(whole: string, fraction = "", exponent = 0): Rational {
  if (whole.length + fraction.length > longestNumber) throw new TooLargeError("number");
  const scale = exponent - fraction.length;
  const digits = BigInt(whole + fraction || "0");
  return scale >= 0 ? rational(digits * 10n ** BigInt(scale)) : rational(digits, 10n ** BigInt(-scale));
}

function repeatingDecimal(whole: string, fraction: string, cycle: string): Rational {
  const nines = 10n ** BigInt(cycle.length) - 1n;
  const start = 10n ** BigInt(fraction.length);
  return rational(BigInt(whole + fraction || "0") * nines + BigInt(cycle), start * nines);
}

/**
 * Splits an answer into tokens.
 *
 * @param options.thousands read `1,000` outside of brackets as one number.
 * @throws ParseError for signs that no answer holds.
 * @throws TooLargeError for a number of more than 6,000 digits.
 */
export function tokenise(source: string, options: { thousands: boolean }): Token[] {
  source = source.replace(/[½⅓⅔¼¾⅕⅙⅛]/g, (sign) => `\\frac{${fractions[sign]!.join("}{")}}`);
  const tokens: Token[] = [];
  /** Commands whose arguments may be single digits without braces (`\frac12`). */
  const waiting: { depth: number; left: number }[] = [];
  let braces = 0;
  let brackets = 0;
  let spaced = false;
  let at = 0;

  const argumentDone = (): void => {
    let top = waiting.at(-1);
    while (top && top.depth === braces && --top.left === 0) {
      waiting.pop();
      top = waiting.at(-1);
    }
  };
  const push = (type: Token["type"], text: string, value?: Rational): void => {
    tokens.push({ type, text, value, spaced });
    spaced = false;
    if (type === "number" || type === "name") argumentDone();
  };
  const pushOperator = (sign: string): void => {
    if (sign === "(" || sign === "[" || sign === "\\{" || sign === "⟨") brackets++;
    if (sign === ")" || sign === "]" || sign === "\\}" || sign === "⟩") brackets--;
    push("op", sign);
  };
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  const pushText = (content: string): void => {
    const inner = content.replace(/[~\\]/g, " ").replace(/\$/g, "").trim();
    const word = inner.toLowerCase().replace(/^[,;\s]+|[,;\s]+$/g, "");
    if (inner === "") spaced = true;
    else if (word === "and" || word === "or") pushOperator(word);
    else if (word === "" || word === ",") pushOperator(",");
    else if (/^[\d.,/+-]+$/.test(inner)) for (const token of tokenise(inner, options)) tokens.push(token);
    else if (/^[\d.]+\s+[a-zA-Z]/.test(inner)) {
      const [amount = ""] = inner.split(/\s/, 1);
      tokens.push(...tokenise(amount, options));
      push("text", inner.slice(amount.length).trim());
    } else push("text", inner);
  };
  const pushWord = (word: string): void => {
    const lower = word.toLowerCase();
    const before = tokens.at(-1);
    const afterValue = before !== undefined && (before.type === "number" || [")", "}", "°"].includes(before.text));
    if (functionNames.has(word)) push("command", word);
    else if (Object.hasOwn(plainWords, lower) && word.length > 1) push("command", plainWords[lower]!);
    else if (lower === "or" || lower === "and") pushOperator(lower);
    else if (word === "U" && spaced) pushOperator("∪");
    else if (afterValue && isBareUnit(word)) push("text", word);
    else {
      const prefix = [...functionNames].filter((name) => word.startsWith(name)).sort((a, b) => b.length - a.length)[0];
      if (prefix && prefix.length > 2) {
        push("command", prefix);
        if (word.length > prefix.length) pushWord(word.slice(prefix.length));
      } else if (word.length > 2 && word.endsWith("pi")) {
        for (const letter of word.slice(0, -2)) push("name", letter);
        push("command", "pi");
      } else for (const letter of word) push("name", letter);
    }
  };
  const pushCommand = (name: string): void => {
    if (skipped.has(name)) {
      while (source[at] === " ") at++;
      if (source[at] === "." && (name === "left" || name === "right")) at++;
    } else if (spaces.has(name)) {
      spaced = true;
      if (name === "hspace") at = group(source, at)?.end ?? at;
    } else if (textCommands.has(name) || alphabets.has(name)) {
      const inside = group(source, at);
      if (!inside) {
        if (name === "rm" || name === "bf" || name === "it" || textCommands.has(name)) return;
        while (source[at] === " ") at++;
        if (name === "mathbb" && source[at]) push("command", `set${source[at++]}`);
        return;
      }
      at = inside.end;
      const content = inside.content.trim();
      if (name === "mathbb" || name === "Bbb") push("command", `set${content}`);
      else if (textCommands.has(name)) pushText(inside.content);
      else if (functionNames.has(content)) push("command", content);
      else if (/^[\d.]+$/.test(content) || content.startsWith("\\")) tokens.push(...tokenise(content, options));
      else if (
        /^[a-zA-Z]$/.test(content) &&
        (name !== "mathrm" || tokens.at(-1)?.type !== "number" || /[ie]/.test(content))
      )
        push("name", content);
      else pushText(inside.content);
    } else if (name === "boxed" || name === "fbox" || name === "ensuremath") return;
    else {
      const known = Object.hasOwn(renamed, name) ? renamed[name]! : name;
      if (operators.has(known)) {
        pushOperator(known);
        if (known !== "*" && known !== "/") argumentDone();
        return;
      }
      push("command", known);
      if (known === "frac" || known === "binom") waiting.push({ depth: braces, left: 2 });
      else if (known === "sqrt") {
        const degree = match(rootDegree);
        if (degree) {
          at = rootDegree.lastIndex;
          push("op", "[");
          tokens.push({ type: "number", text: degree[1]!, value: decimal(degree[1]!), spaced: false });
          push("op", "]");
        }
        waiting.push({ depth: braces, left: 1 });
      } else argumentDone();
    }
  };

  while (at < source.length) {
    const sign = source[at]!;
    const top = waiting.at(-1);
    if (/\s|~/.test(sign)) {
      spaced = true;
      at++;
    } else if (/\d/.test(sign) || (sign === "." && /\d/.test(source[at + 1] ?? "")) || sign === ".") {
      if (top?.depth === braces && /\d/.test(sign) && brackets >= 0) {
        at++;
        push("op", "{");
        tokens.push({ type: "number", text: sign, value: decimal(sign), spaced: false });
        tokens.push({ type: "op", text: "}", spaced: false });
        argumentDone();
        continue;
      }
      const cycle = match(repeating);
      const power = cycle ? null : match(scientific);
      const grouped =
        cycle || power
          ? null
          : (match(thousandsExplicit) ?? (options.thousands && brackets <= 0 ? match(thousandsComma) : null));
      if (cycle) {
        at = repeating.lastIndex;
        push("number", cycle[0], repeatingDecimal(cycle[1]!, cycle[2]!, cycle[3] ?? cycle[4]!));
      } else if (power) {
        at = scientific.lastIndex;
        push("number", power[0], decimal(power[1]!, power[2], Number(power[3])));
      } else {
        const start = at;
        let whole = "";
        if (grouped) {
          at += grouped[0].length;
          whole = grouped[0].replace(/\D/g, "");
        }
        const rest = match(number)!;
        if (grouped && rest[1]) throw new ParseError("digits after a grouped number");
        if (!grouped && rest[0] === ".") throw new ParseError("a point without digits");
        at += rest[0].length;
        push("number", source.slice(start, at), decimal(whole || rest[1]!, rest[2]));
      }
    } else if (sign === "\\") {
      at++;
      const name = match(letters);
      if (name) {
        at += name[0].length;
        pushCommand(name[0]);
      } else {
        const next = source[at++];
        if (next === undefined) break;
        if (next === "{" || next === "}") pushOperator(`\\${next}`);
        else if (next === "\\") push("op", "\\\\");
        else if (next === "|") push("op", "‖");
        else if (next === "%" || next === "$" || next === "&") push("op", next);
        else if (spaces.has(next)) spaced = true;
        else if (!"()[]".includes(next)) throw new ParseError(`unknown sign \\${next}`);
      }
    } else if (/[a-zA-Z]/.test(sign)) {
      if (top?.depth === braces) {
        at++;
        push("name", sign);
      } else {
        const word = match(letters)![0];
        at += word.length;
        pushWord(word);
      }
    } else if (sign === "{" || sign === "}") {
      at++;
      push("op", sign);
      braces += sign === "{" ? 1 : -1;
      if (sign === "}") argumentDone();
    } else if (Object.hasOwn(unicodeCommands, sign)) {
      at++;
      push("command", unicodeCommands[sign]!);
    } else if (Object.hasOwn(unicode, sign)) {
      at++;
      pushOperator(unicode[sign]!);
    } else if (raised.includes(sign)) {
      at++;
      push("op", "^");
      push("number", sign, rational(BigInt(raised.indexOf(sign))));
    } else if ("+-*/^_()[]|,;=<>!:%'&".includes(sign)) {
      const two = source.slice(at, at + 2);
      const joined = { "<=": "<=", ">=": ">=", "!=": "!=", "==": "=", "**": "^" }[two];
      at += joined ? 2 : 1;
      pushOperator(joined ?? sign);
    } else if (sign === "$") at++;
    else throw new ParseError(`unknown sign ${JSON.stringify(sign)}`);
  }
  return tokens;
}
