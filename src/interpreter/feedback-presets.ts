import { z } from "zod";
import { cirText, cutText, type FeedbackParts, noResult, printedText } from "./feedback.ts";
import type { ExecutionResult } from "./types.ts";

/**
 * How the papers and frameworks word and cut what a policy reads after its code.
 *
 * **cir** (arXiv:2505.24480, code_excute.py): standard output of a snippet that ended well, else the last line of its
 * traceback, `Timeout Error` at the time limit; stripped; over 400 characters the first and last 200 with `...` between.
 * Printing nothing reads as the error that CIR's fallback meets. Ours: messages are independent of Python's version,
 * and the limits that CIR does not have (memory, output, crash) have a line each.
 *
 * **retool** (arXiv:2504.11536; released evaluation, evaluation/executor.py and eval.py of ReTool-RL/ReTool): the
 * executor is CIR's forerunner, and its rules are the same ones: last traceback line, `Timeout Error`, stripped, 200 + `...`
 * + 200, also the fallback's error where nothing was printed. The paper's own training sandbox is not released. Not
 * covered: `None` for an empty snippet, which here never reaches an interpreter.
 *
 * **verl** (verl/tools/sandbox_fusion_tools.py at 0d75188 and experimental/agent_loop/tool_agent_loop.py at 022e612,
 * which its ReTool recipe uses): standard output followed by standard error, so an exception reads as its whole
 * traceback; not stripped; `no stdout here` for a snippet that did not end by itself; over 256 characters the first and
 * last 128 with `...(truncated)...` between (its truncation sides "left" and "right" keep that side: `cut` "end" and
 * "start" here). Differences: the traceback names `<snippet>` where verl's names a temporary file, and a snippet at the
 * output limit reads as the output that was kept. Standard error is as the engine's Python wrote it; with `errors:
 * "traceback"` the traceback that is the same on every engine and version takes its place. The recipe also wraps the last line in `print()`; `value: true` shows
 * the value of the last expression instead, and runs statements as they are.
 */
export type FeedbackPreset = "cir" | "retool" | "verl";

/** Any rule of the user's own: what a policy reads of a result. */
export type FeedbackRule = (result: ExecutionResult) => string;

/** A preset with changes. */
export interface FeedbackOptions extends FeedbackParts {
  preset: FeedbackPreset;
  /** Characters (code points) that are kept; at least 2. Default 400 for cir and retool, 256 for verl. */
  maxChars?: number;
  /** Which part of a text over the limit is left out. Default `"middle"`. */
  cut?: "start" | "middle" | "end";
}

const presetName = z.enum(["cir", "retool", "verl"]);

/** What `feedback` of an interpreter's options may be. */
export const feedbackOption = z.union(
  [
    presetName,
    z.strictObject({
      preset: presetName,
      maxChars: z.number().int().min(2).optional(),
      cut: z.enum(["start", "middle", "end"]).optional(),
      errors: z.enum(["lastLine", "traceback"]).optional(),
      value: z.boolean().optional(),
    }),
    z.custom<FeedbackRule>((given) => typeof given === "function"),
  ],
  'must be "cir", "retool", "verl", { preset, maxChars, cut, errors, value } or a function of a result',
);

/** What `feedback` may be, checked. */
export type FeedbackOption = z.output<typeof feedbackOption>;

interface Preset {
  maxChars: number;
  /** What stands in place of the part that was left out. */
  marks: Record<"start" | "middle" | "end", string>;
  /** The text before it is cut. */
  text(result: ExecutionResult, parts: FeedbackParts): string;
}

const still: Preset = { maxChars: 400, marks: { start: "...", middle: "...", end: "..." }, text: cirText };

const presets: Record<FeedbackPreset, Preset> = {
  cir: still,
  retool: still,
  verl: {
    maxChars: 256,
    marks: { start: "(truncated)...", middle: "...(truncated)...", end: "...(truncated)" },
    text: verlText,
  },
};

/** verl's line for a snippet that did not end by itself. */
export const noStdoutLine = "no stdout here";

function verlText(result: ExecutionResult, { errors, value }: FeedbackParts): string {
  if (result.status === "infrastructure") throw noResult(result);
  if (result.status === "timeout") return noStdoutLine;
  const own = errors === "lastLine" ? result.error?.lastLine : errors && result.error?.traceback;
  return `${printedText(result, value)}${own === undefined ? result.stderr : `${own}\n`}`;
}

/**
 * The rule that an option names.
 *
 * @param maxOutputChars limit that takes the place of the preset's own; a custom function is left alone.
 * @example
 * const rule = feedbackRule({ preset: "verl", errors: "lastLine" });
 * rule(await python.run("1 / 0")); // "ZeroDivisionError: division by zero\n"
 */
export function feedbackRule(option: FeedbackOption = "cir", maxOutputChars?: number): FeedbackRule {
  if (typeof option === "function") return option;
  const { preset, maxChars, cut = "middle", ...parts } = typeof option === "string" ? { preset: option } : option;
  const { text, marks, maxChars: usual } = presets[preset];
  const limit = maxChars ?? maxOutputChars ?? usual;
  return (result) => cutText(text(result, parts), limit, cut, marks[cut]);
}

/** Whether a rule shows the value of the last expression, which snippets are then asked for. */
export function showsValue(option: FeedbackOption = "cir"): boolean {
  return typeof option === "object" && option.value === true;
}
