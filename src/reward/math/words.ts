// Answers in words: names, yes and no, choices, days, times of the day.

const words = new Set(
  [
    "yes no true false even odd neither none both all never always undefined impossible infinite infinitely many dne",
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august",
    "september october november december red blue green yellow black white orange purple brown circle ellipse parabola",
    "hyperbola line point square rectangle triangle rhombus cube sphere cone cylinder plane two lines convergent",
    "divergent converges diverges increasing decreasing positive negative zero rational irrational prime composite",
    "equal left right east west north south am pm spring summer autumn winter acute obtuse isosceles scalene",
  ].flatMap((line) => line.split(" ")),
);

/** An answer that is words only. */
export interface Words {
  text: string;
  /** It was marked as text, or can be nothing but words: never a product of variables. */
  certain: boolean;
}

const wrapper = /\\(?:text|textbf|textit|textrm|mbox|mathrm|mathbf|operatorname|textsf|emph)\s*\{([^{}]*)\}/g;

/** The text without commands for fonts, mathematics signs and spaces of LaTeX. */
export const unwrapped = (raw: string): string =>
  raw
    .replace(wrapper, "$1")
    .replace(/\\[ ,;:!]|~|\\quad/g, " ")
    .replace(/\$|\\left|\\right/g, "")
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[.,;]$/, "");

/** The words that an answer is, or undefined where it holds anything else. */
export function wordsOf(raw: string): Words | undefined {
  if (raw.length > 500) return undefined;
  const text = unwrapped(raw)
    .replace(/^\((.*)\)$/, "$1")
    .trim();
  if (!/^[\p{L}][\p{L}\s'’.,&-]*$/u.test(text)) return undefined;
  const marked = /\\(?:text|mbox|mathrm|operatorname)/.test(raw);
  const pieces = text.split(/[\s,.&-]+/).filter(Boolean);
  const listed = pieces.every((word) => words.has(word.toLowerCase()));
  const spoken = pieces.some((word) => /^\p{Lu}\p{Ll}{2,}$/u.test(word) || /^\p{L}{5,}$/u.test(word));
  return { text, certain: marked || listed || spoken };
}

/** One spelling for the same words. */
export const plainWords = (text: string, ignoreCase: boolean): string => {
  const plain = text
    .replace(/['’.,&-]/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return ignoreCase ? plain.toLowerCase() : plain;
};

/** The letter of a choice with its value behind it: `(C) 12`. */
export function choiceOf(raw: string): string | undefined {
  return /^\(([A-J])\)\s*\S/.exec(unwrapped(raw))?.[1];
}

/** A time of the day: hours, minutes, and the half of the day where it is said. */
export function clockTime(raw: string): { time: string; half: string | undefined } | undefined {
  const match = /^(\d{1,2}):([0-5]\d)\s*([ap])?\.?\s*(?:m\.?)?$/i.exec(unwrapped(raw));
  return match ? { time: `${Number(match[1])}:${match[2]}`, half: match[3]?.toLowerCase() } : undefined;
}
