import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type RolloutView, rolloutView } from "../display/rollout-view.ts";
import { CheckpointStore } from "./checkpoints.ts";
import { RecordingError } from "./errors.ts";
import { Run } from "./run.ts";

export { rowsOf, type StepRows } from "../display/rollout-rows.ts";
export type { RolloutView } from "../display/rollout-view.ts";

const figures = z.array(z.number().nullable());

const toolCallSchema = z.looseObject({
  code: z.string(),
  result: z.looseObject({
    status: z.string(),
    stdout: z.string().default(""),
    stderr: z.string().default(""),
    error: z.looseObject({ name: z.string(), message: z.string() }).optional(),
    durationMs: z.number().optional(),
  }),
  feedback: z.string(),
  start: z.int(),
  end: z.int(),
  edited: z.boolean().default(false),
});

/** What is shown of a line of `rollouts/step-N.jsonl`; older recordings lack some of it. */
const rolloutSchema = z.looseObject({
  task: z.looseObject({ id: z.string(), prompt: z.string(), answer: z.string(), family: z.string() }),
  group: z.int().nonnegative(),
  sample: z.int().nonnegative(),
  reward: z.looseObject({
    reward: z.number(),
    correct: z.boolean(),
    detail: z.record(z.string(), z.unknown()).optional(),
    turnRewards: z.array(z.object({ kind: z.string(), reward: z.number() })).optional(),
  }),
  trajectory: z.looseObject({
    ids: z.array(z.int().nonnegative()),
    sources: z.array(z.string()),
    logprobs: figures,
    entropies: figures,
    stopReason: z.string().nullable(),
    failure: z.string().optional(),
    toolCalls: z.array(toolCallSchema),
  }),
  policyVersion: z.int().optional(),
  greedy: z.boolean().optional(),
  marks: z
    .array(
      z.looseObject({ filter: z.string(), reason: z.string(), masked: z.boolean(), penalty: z.number().optional() }),
    )
    .optional(),
  advantage: z.number().nullable().optional(),
  tokenAdvantages: figures.optional(),
});

const tokenizerSchema = z.object({
  added_tokens: z.array(z.object({ id: z.int(), content: z.string() })).default([]),
  model: z.object({ vocab: z.record(z.string(), z.int()) }),
});

/**
 * Names of a run's tokens: their texts, or what stands for special ones. They are read from the tokenizer.json of its
 * newest checkpoint; without one, tokens are called by their numbers.
 */
async function tokenNames(folder: string): Promise<(id: number) => string> {
  const names: string[] = [];
  const checkpoint = await new CheckpointStore(join(folder, "checkpoints")).latest();
  const text = checkpoint && (await readFile(join(checkpoint.path, "tokenizer.json"), "utf8").catch(() => undefined));
  if (text !== undefined) {
    let parsed: z.infer<typeof tokenizerSchema>;
    try {
      parsed = tokenizerSchema.parse(JSON.parse(text));
    } catch (error) {
      throw new RecordingError(`${checkpoint!.name}/tokenizer.json of ${folder} is damaged.`, undefined, error);
    }
    for (const [name, id] of Object.entries(parsed.model.vocab)) names[id] = name;
    for (const { id, content } of parsed.added_tokens) names[id] = content;
  }
  return (id) => names[id] ?? `⟨${id}⟩`;
}

/**
 * The rollouts of a recorded step as viewers show them, in the order of the file.
 *
 * @throws RecordingError when none were recorded or the file is damaged, InvalidInputError naming a damaged one.
 */
export async function recordedRolloutViews(folder: string, step: number): Promise<RolloutView[]> {
  const run = await Run.open(folder);
  const records = await run.rollouts(step, rolloutSchema);
  if (!records.length) throw new RecordingError(`Run ${run.id} has no recorded rollouts of step ${step}.`);
  const nameOf = await tokenNames(folder);
  return records.map((record, i) => {
    const { ids, sources, logprobs, entropies } = record.trajectory;
    if ([sources, logprobs, entropies].some(({ length }) => length !== ids.length))
      throw new RecordingError(`Rollout ${i} of step ${step} of run ${run.id}: its lists of tokens differ in length.`);
    return rolloutView({ ...record, advantage: record.advantage ?? undefined }, nameOf);
  });
}
