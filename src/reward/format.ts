/**
 * Rewards for the form of a response alone: `correct` (1) where it holds, else `incorrect` (0). What the papers use:
 * - {@link tags}: ToolRL (its own rule is part of `toolCalls`; a reference without calls asks for `<think>` alone) and
 *   ReVeal (arXiv:2506.11442: r_format = 1 or -1 for `<think>` with `<generation-answer>` or `<verification-answer>`).
 * - {@link singleBox}, {@link closedFences}: none as a reward. CIR (arXiv:2505.24480) and ReTool (arXiv:2504.11536) give
 *   none for format on purpose; ReTool filters its cold-start traces by format, which these can do.
 *
 * No system here penalises repetition (CIR's penalty of -2 for "!!!" is commented out in its code), so there is none.
 */
import { z } from "zod";
import { parseInput } from "../base/schema.ts";
import type { Reward } from "./types.ts";

const values = { correct: z.number().default(1), incorrect: z.number().default(0) };
const valuesSchema = z.strictObject(values);
const tagsSchema = z.strictObject({
  tags: z.array(z.string().regex(/^[A-Za-z][\w-]*$/, "a tag is a name without brackets")).min(1),
  ...values,
});

/** What the two outcomes are worth. */
export type FormatValues = z.input<typeof valuesSchema>;
/** Options of {@link tags}. */
export type TagsOptions = z.input<typeof tagsSchema>;

/** A reward that only looks at the text; `problem` says what is wrong with it, or undefined. */
function formatReward(
  name: string,
  { correct, incorrect }: z.output<typeof valuesSchema>,
  problem: (text: string) => string | undefined,
): Reward {
  return {
    name,
    score({ text }) {
      const found = problem(text);
      const holds = found === undefined;
      return { reward: holds ? correct : incorrect, correct: holds, detail: { problem: found ?? null } };
    },
  };
}

/**
 * The response is these blocks, each once and in this order, white space between them and nothing else:
 * `tags({ tags: ["think", "answer"] })`.
 */
export function tags(options: TagsOptions): Reward {
  const { tags: names, ...worth } = parseInput(tagsSchema, options, "options of tags");
  return formatReward(`tags ${names.join(", ")}`, worth, (text) => {
    let at = 0;
    for (const name of names) {
      const [open, close] = [`<${name}>`, `</${name}>`];
      for (const tag of [open, close])
        if (text.split(tag).length !== 2) return `${tag} stands ${text.split(tag).length - 1} times`;
      const start = text.indexOf(open);
      const end = text.indexOf(close);
      if (start < at || end < start) return `${start < at ? open : close} stands too early`;
      if (text.slice(at, start).trim() !== "") return `text stands before ${open}`;
      at = end + close.length;
    }
    return text.slice(at).trim() === "" ? undefined : `text stands after </${names.at(-1)}>`;
  });
}

/** The response has exactly one `\boxed{…}`, and it is closed and not empty. */
export function singleBox(options: FormatValues = {}): Reward {
  return formatReward("singleBox", parseInput(valuesSchema, options, "options of singleBox"), (text) => {
    const boxes = text.split("\\boxed{").length - 1;
    if (boxes !== 1) return `${boxes} boxes`;
    let depth = 1;
    const start = text.indexOf("\\boxed{") + "\\boxed{".length;
    for (let i = start; i < text.length; i++) {
      if (text[i] === "\\") i++;
      else if (text[i] === "{") depth++;
      else if (text[i] === "}" && --depth === 0)
        return text.slice(start, i).trim() === "" ? "the box is empty" : undefined;
    }
    return "the box is not closed";
  });
}

/** Every code fence of the response is closed, and no block is empty. A response without code holds. */
export function closedFences(options: FormatValues = {}): Reward {
  return formatReward("closedFences", parseInput(valuesSchema, options, "options of closedFences"), (text) => {
    let opened: number | undefined;
    let body = "";
    for (const [i, line] of text.split("\n").entries()) {
      const fence = /^\s*```(.*)$/.exec(line);
      if (!fence) body += line;
      else if (opened === undefined) {
        opened = i + 1;
        body = "";
      } else if (fence[1]!.trim() !== "") return `the block of line ${opened} is not closed before line ${i + 1}`;
      else if (body.trim() === "") return `the block of line ${opened} is empty`;
      else opened = undefined;
    }
    return opened === undefined ? undefined : `the block of line ${opened} is not closed`;
  });
}
