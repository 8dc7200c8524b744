/**
 * ToolRL's reward for tool calls (arXiv:2504.13958, section 3.3; its code: verl/utils/reward_score/rlla.py).
 *
 * R = R_format + R_correct (+ R_length), by default in [-3, 4].
 * - R_format: 1 when the whole response has the blocks that the reference has (`<think>`, then `<tool_call>` and/or
 *   `<response>`), each of the last two once; else 0.
 * - R_correct = 6 S / S_max - 3, with S = r_name + sum over reference calls of (r_param + r_value), where r_name is the
 *   Jaccard index of the two multisets of names, r_param that of the matched calls' parameter names, r_value the number
 *   of parameters with equal values, and S_max = 1 + sum over reference calls of (1 + number of parameters). Nothing
 *   that can be read as calls: -3. A reference without a tool call: 0.
 * - Each reference call, in order, takes the best unused prediction of its name (greedy, the first of equals). The
 *   paper's figure shows an optimal matching where names differ; the code, followed here, counts no call of another
 *   name.
 * - R_length (section 5.1) = min(1, words of the thought / 512), to two decimals.
 *
 * Differences: a prediction that is JSON but no call (no name, parameters not an object) counts as unreadable; the code
 * leaves that error to its caller. Values are compared as JSON, so `true` is not `1`.
 */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { DatasetError, InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import type { Reward } from "./types.ts";

const callSchema = z.object({ name: z.string(), parameters: z.record(z.string(), z.unknown()) });

/** One line of a `<tool_call>` block. */
export type PredictedCall = z.infer<typeof callSchema>;

const toolCallsSchema = z.strictObject({
  /**
   * What a call earns (section 5.3): `"fine"` as above; `"strict"` names and parameter names all or nothing, order
   * included (`REFINEDREWARD`); `"intermediate"` whole calls, S_max = 1 + number of calls (`INTERMEDIATEREWARD`);
   * `"coarse"` all calls in order or nothing (`COARSEREWARD`).
   */
  granularity: z.enum(["fine", "strict", "intermediate", "coarse"]).default("fine"),
  /** Bounds of R_correct (section 5.2): `"full"` -3..3, `"equal"` -1..1 (`CORRECTMAX1`). */
  scale: z.enum(["full", "equal"]).default("full"),
  /**
   * How the bounds change with the training step (section 5.2): `"twoStage"` R_correct / 3 before step 30, R_format / 2
   * from then on (`MAX1STEP30MAX3`); `"smooth"` over 150 steps R_format from -2..2 towards -1..1, R_correct from -2..2 to
   * the bounds of `scale` (`SCHEDULEREWARD`).
   */
  schedule: z.enum(["none", "twoStage", "smooth"]).default("none"),
  /** R_length: `"fixed"` 512 words (`WITHLENGTH`), `"scheduled"` 384 words at step 0, 640 at 105 (`SCHEDULELENGTH`). */
  length: z.enum(["none", "fixed", "scheduled"]).default("none"),
});

/** Options of {@link toolCalls}; the defaults are those of the paper's main experiments. */
export type ToolCallsOptions = z.input<typeof toolCallsSchema>;
type Granularity = z.output<typeof toolCallsSchema>["granularity"];

/** The calls of a text's first `<tool_call>` block, a JSON object a line; undefined where it has none or one is no call. */
export function parseToolCalls(text: string): PredictedCall[] | undefined {
  const block = /<tool_call>([\s\S]*?)<\/tool_call>/.exec(text)?.[1]?.trim();
  if (block === undefined) return undefined;
  try {
    return block.split("\n").map((line) => callSchema.parse(JSON.parse(line)));
  } catch {
    return undefined;
  }
}

/** Jaccard index of two multisets; equal lists, empty ones too, have 1. */
function overlap(reference: readonly string[], predicted: readonly string[], strict: boolean): number {
  if (isDeepStrictEqual(reference, predicted)) return 1;
  if (strict) return 0;
  const unused = [...predicted];
  const shared = reference.filter((item) => {
    const at = unused.indexOf(item);
    if (at >= 0) unused.splice(at, 1);
    return at >= 0;
  }).length;
  return shared / (reference.length + predicted.length - shared);
}

/**
 * S / S_max of ToolRL: how much of the reference calls was predicted.
 *
 * @returns from 0 to 1; 1 only where the calls are equal, in any order (under `"coarse"`, in this order).
 */
export function toolCallMatch(
  reference: readonly PredictedCall[],
  predicted: readonly PredictedCall[],
  granularity: Granularity = "fine",
): number {
  if (isDeepStrictEqual(reference, predicted)) return 1;
  if (granularity === "coarse") return 0;
  const strict = granularity === "strict";
  const names = (calls: readonly PredictedCall[]) => calls.map(({ name }) => name);
  let score = overlap(names(reference), names(predicted), strict);
  let most = 1;
  const unused = [...predicted];
  for (const call of reference) {
    most += granularity === "intermediate" ? 1 : 1 + Object.keys(call.parameters).length;
    const worths = unused.map((candidate) => callMatch(call, candidate, granularity));
    const best = Math.max(0, ...worths);
    if (best > 0) unused.splice(worths.indexOf(best), 1);
    score += best;
  }
  return score / most;
}

function callMatch(reference: PredictedCall, predicted: PredictedCall, granularity: Granularity): number {
  if (reference.name !== predicted.name) return 0;
  if (granularity === "intermediate") return isDeepStrictEqual(reference, predicted) ? 1 : 0;
  const [wanted, given] = [reference.parameters, predicted.parameters];
  const equal = Object.keys(wanted).filter(
    (key) => Object.hasOwn(given, key) && isDeepStrictEqual(wanted[key], given[key]),
  );
  return overlap(Object.keys(wanted), Object.keys(given), granularity === "strict") + equal.length;
}

/** Whether a response has the blocks of the reference, and nothing else. */
export function hasToolFormat(response: string, reference: string): boolean {
  const blocks = ["tool_call", "response"].filter((tag) => reference.includes(`<${tag}>`));
  const inner = { tool_call: "\\n<tool_call>\\n.*?\\n</tool_call>", response: "\\n<response>.*?</response>" };
  const pattern = blocks.map((tag) => inner[tag as keyof typeof inner]).join("");
  const once = (part: string) => response.split(part).length === 2;
  return (
    new RegExp(`^<think>.*?</think>${pattern}\\n?$`, "s").test(response) &&
    blocks.every((tag) => once(`<${tag}>`) && once(`</${tag}>`))
  );
}

/** To two decimals, ties to the even digit, as Python rounds. */
function toHundredths(value: number): number {
  const floor = Math.floor(value * 100);
  const rest = value * 100 - floor;
  return (rest === 0.5 ? floor + (floor % 2) : Math.round(value * 100)) / 100;
}

function thoughtLength(response: string, words: number): number {
  if (!response.includes("<think>") || !response.includes("</think>")) return 0;
  const thought = response.split("<think>").at(-1)!.split("</think>")[0]!.trim();
  return Math.min(1, toHundredths((thought === "" ? 0 : thought.split(/\s+/).length) / words));
}

/**
 * ToolRL's reward; the task's answer is the reference response, in the same tags: `<think>…</think>`, newline,
 * `<tool_call>`, a JSON object `{"name", "parameters"}` a line, `</tool_call>`. `correct` means that all calls match.
 *
 * @throws DatasetError when the reference's calls cannot be read.
 * @throws InvalidInputError when a schedule needs the training step and the input has none.
 */
export function toolCalls(options: ToolCallsOptions = {}): Reward {
  const settings = parseInput(toolCallsSchema, options, "options of toolCalls");
  const { granularity, schedule, length } = settings;
  const bound = settings.scale === "equal" ? 1 : 3;
  const scheduled = schedule !== "none" || length === "scheduled";
  return {
    name: "toolCalls",
    score({ task, text, step = scheduled ? undefined : 0 }) {
      if (step === undefined)
        throw new InvalidInputError("The schedule of toolCalls needs the training step.", "Score with { step }.");
      const reference = task.answer.includes("<tool_call>") ? parseToolCalls(task.answer) : [];
      if (!reference)
        throw new DatasetError(
          `The reference has a <tool_call> block that cannot be read: ${JSON.stringify(task.answer.slice(0, 200))}.`,
          'Each of its lines must be {"name": …, "parameters": {…}}.',
        );
      const [formatMin, formatMax] = formatBounds(schedule, step);
      const format = hasToolFormat(text, task.answer) ? formatMax : formatMin;
      const most = correctnessBound(schedule, step, bound);
      const predicted = parseToolCalls(text);
      const match = predicted && reference.length ? toolCallMatch(reference, predicted, granularity) : 0;
      const correctness = reference.length ? 2 * most * match - most : 0;
      const words = length === "scheduled" ? ((640 - 384) * step) / 105 + 384 : 512;
      const thought = length === "none" ? 0 : thoughtLength(text, words);
      return {
        reward: format + correctness + thought,
        correct: reference.length ? match === 1 : !text.includes("<tool_call>"),
        detail: {
          format,
          correctness,
          ...(length !== "none" && { length: thought }),
          match,
          predicted: predicted ?? null,
        },
      };
    },
  };
}

type Schedule = z.output<typeof toolCallsSchema>["schedule"];

function formatBounds(schedule: Schedule, step: number): [min: number, max: number] {
  if (schedule === "twoStage") return [0, step < 30 ? 1 : 0.5];
  if (schedule === "smooth") return [Math.min(-1, -2 + (2 * step) / 150), Math.max(1, 2 - step / 150)];
  return [0, 1];
}

function correctnessBound(schedule: Schedule, step: number, bound: number): number {
  if (schedule === "twoStage") return step < 30 ? bound / 3 : bound;
  if (schedule === "smooth") return Math.min(3, ((bound - 2) * step) / 150 + 2);
  return bound;
}
