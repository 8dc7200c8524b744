import { equalTrees } from "./compare.ts";
import { Comparison } from "./comparison.ts";
import { isAnalytic, isModest, sample } from "./numeric.ts";
import type { CheckedEquivalence, How, Verdict } from "./options.ts";
import { readings, trimAnswer } from "./parser.ts";
import { TooLargeError } from "./rational.ts";
import { type Obligation, sympyProgram } from "./sympy.ts";
import { ParseError } from "./tokens.ts";
import { show, symbolsOf, type Tree } from "./tree.ts";
import { choiceOf, clockTime, plainWords, wordsOf } from "./words.ts";

/** What can be said without sympy. */
export interface Judgement {
  /** Final, unless `confirm` is there: then it holds if sympy cannot be asked. */
  verdict: Verdict;
  /** The program that settles an undecided pair; see {@link settle}. */
  confirm?: string;
}

/** Points at which two expressions must agree before they may be accepted without proof. */
const enoughPoints = 12;
const longestShown = 400;
/** Longer answers are no answers; they are compared as they stand. Characters. */
const longestRead = 20_000;
const shortened = (text: string): string => (text.length > longestShown ? `${text.slice(0, longestShown)}…` : text);

/**
 * Compares two answers: as words, as mathematics by exact forms, by sampling. It never runs anything and its work is
 * bounded, but a process with a limit around it is what {@link Grader} adds.
 */
export function judge(gold: string, answer: string, options: CheckedEquivalence): Judgement {
  if (gold.length > longestRead || answer.length > longestRead) {
    const shown = { gold: shortened(gold), answer: shortened(answer) };
    const equal = gold.trim() !== "" && gold.trim() === answer.trim();
    const notes = equal ? [] : [`an answer of more than ${longestRead} characters is only compared as text`];
    return { verdict: { equal, how: equal ? "identical" : "unparsed", notes, ...shown } };
  }
  const sides = { gold: shortened(trimAnswer(gold)), answer: shortened(trimAnswer(answer)) };
  const final = (equal: boolean, how: How, notes: Iterable<string> = [], shown = sides): Judgement => ({
    verdict: { equal, how, notes: [...notes], ...shown },
  });
  if (!sides.gold || !sides.answer) return final(false, "unparsed", ["there is no answer to compare"]);
  const words = compareWords(gold, answer, options);
  if (words) return final(words.equal, "text", words.notes);
  const [p, q] = [read(gold), read(answer)];
  if (!Array.isArray(p) || !Array.isArray(q)) {
    if (squeezed(gold) === squeezed(answer)) return final(true, "identical");
    const problems = [p, q].flatMap((side, k) => (Array.isArray(side) ? [] : [`${k ? "answer" : "gold"}: ${side}`]));
    return final(false, "unparsed", problems);
  }
  let first: Judgement | undefined;
  for (const x of p)
    for (const y of q) {
      const by = new Comparison(options);
      const equal = equalTrees(x, y, by);
      const shown = { gold: shortened(show(x)), answer: shortened(show(y)) };
      if (equal && !by.obligations.length) return final(true, by.accepted, by.notes, shown);
      if (equal) return undecided(by.obligations, [...by.notes], shown, options);
      first ??= final(false, by.rejected, [], shown);
    }
  return first!;
}

function undecided(
  obligations: readonly Obligation[],
  notes: string[],
  shown: { gold: string; answer: string },
  options: CheckedEquivalence,
): Judgement {
  const accepted = options.acceptNumeric && obligations.every(([a, b]) => isConvincing(a, b));
  const note = accepted ? "agreement at sample points only, no proof" : "no difference was found, but no proof either";
  const verdict: Verdict = {
    equal: accepted,
    how: accepted ? "numeric" : "undecided",
    notes: [...notes, note],
    ...shown,
  };
  const confirm = sympyProgram(obligations);
  return confirm === undefined ? { verdict } : { verdict, confirm };
}

/** Analytic expressions of variables: their agreement at many complex points leaves no room for a near miss like 2¹⁰⁰ + 1. */
function isConvincing(a: Tree, b: Tree): boolean {
  if (!isAnalytic(a) || !isAnalytic(b) || !isModest(a) || !isModest(b)) return false;
  const symbols = symbolsOf(a);
  if (!symbols.length || symbols.join() !== symbolsOf(b).join()) return false;
  const { agreed, clear } = sample(a, b);
  return clear && agreed >= enoughPoints;
}

/** The verdict after sympy has answered: a list with `"equal"`, `"different"` or `"unknown"` for each obligation. */
export function settle(verdict: Verdict, answers: readonly string[]): Verdict {
  const notes = verdict.notes.slice(0, -1);
  if (answers.every((answer) => answer === "equal")) return { ...verdict, equal: true, how: "sympy", notes };
  if (answers.includes("different")) return { ...verdict, equal: false, how: "sympy", notes: [] };
  return verdict;
}

function read(text: string): Tree[] | string {
  try {
    return readings(text);
  } catch (error) {
    if (error instanceof ParseError || error instanceof TooLargeError) return error.message;
    throw error;
  }
}

/** Text without what only changes its looks. */
const squeezed = (text: string): string =>
  trimAnswer(text)
    .replace(/\\left(?![a-z])|\\right(?![a-z])|\\[,!;: ]/g, "")
    .replace(/\\[dt]frac/g, "\\frac")
    .replace(/\s+/g, " ")
    .replace(/ ?([^\w\s]) ?/g, "$1");

function compareWords(
  gold: string,
  answer: string,
  options: CheckedEquivalence,
): { equal: boolean; notes: string[] } | undefined {
  const [s, t] = [clockTime(gold), clockTime(answer)];
  if (s && t) {
    const halves = s.half && t.half ? s.half === t.half : true;
    const notes = s.half !== t.half && halves ? ["the half of the day was left out"] : [];
    return { equal: s.time === t.time && halves && (notes.length === 0 || options.units), notes };
  }
  const [p, q] = [wordsOf(gold), wordsOf(answer)];
  if (p && q && (p.certain || q.certain)) {
    if (plainWords(p.text, false) === plainWords(q.text, false)) return { equal: true, notes: [] };
    const same = options.textCase && plainWords(p.text, true) === plainWords(q.text, true);
    return { equal: same, notes: same ? ["the case of letters was ignored"] : [] };
  }
  const [c, d] = [choiceOf(gold), choiceOf(answer)];
  const letter = (c ? q : p)?.text;
  if ((c === undefined) !== (d === undefined) && letter?.length === 1)
    return { equal: letter === (c ?? d), notes: ["the value behind a choice's letter was left out"] };
  return undefined;
}
