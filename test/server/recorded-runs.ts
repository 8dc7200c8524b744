import { Run } from "../../src/recording/index.ts";

/** A trajectory as trainings record it: five letters of a prompt, then what is given. */
export function recorded(group: number, sample: number, text: string, extra: object = {}): object {
  const ids = [...`2+3=?${text}`].map((letter) => letter.charCodeAt(0));
  const sources = ids.map((_, i) => (i < 5 ? "prompt" : "sampled"));
  return {
    task: { id: "t", prompt: "2+3=?", answer: "5", family: "sums" },
    group,
    sample,
    reward: { reward: sample, correct: sample === 1, detail: { boxed: text } },
    trajectory: {
      ...{ ids, sources, toolCalls: [], promptLength: 5, stopReason: "completed", forcedBoundaries: 0 },
      logprobs: ids.map((_, i) => (i < 5 ? null : -0.5)),
      entropies: ids.map((_, i) => (i < 5 ? null : 1.5)),
      limits: { maxToolCalls: 1, maxLength: 64 },
    },
    policyVersion: 0,
    marks: [],
    ...extra,
  };
}

/** A tokenizer whose tokens are the letters of ASCII. */
const letters = JSON.stringify({
  added_tokens: [{ id: 0, content: "<pad>" }],
  model: { vocab: Object.fromEntries(Array.from({ length: 126 }, (_, i) => [String.fromCharCode(i + 1), i + 1])) },
});

/** A run of some steps with three rollouts each, and an alert that names one of them. Whoever made it closes it. */
export async function makeRun(folder: string, name: string, steps: number, config: object = {}): Promise<Run> {
  const run = await Run.create({ folder, name, seed: 3, config: { learningRate: 0.1, ...config } });
  run.append({ type: "run-started", step: 0, config: {} });
  await run.saveCheckpoint(0, { "tokenizer.json": letters });
  for (let step = 1; step <= steps; step++) {
    await run.writeRollouts(step, [
      recorded(0, 0, "four <b>"),
      recorded(0, 1, "five\u202e", { advantage: 1.25 }),
      recorded(1, 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
    ]);
    run.append({ type: "step", step, metrics: { reward: step / 10, kl: null } });
  }
  run.append({ type: "alert", step: steps, text: "reward fell", rollouts: [{ group: 0, sample: 1 }] });
  return run;
}
