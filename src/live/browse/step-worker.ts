import { stat } from "node:fs/promises";
import { join } from "node:path";
import { parentPort } from "node:worker_threads";
import { type RolloutView, recordedRolloutViews, rowsOf, type StepRows } from "../../recording/index.ts";
import type { StepAnswer, StepQuestion } from "./step-messages.ts";

// Steps of thousands of rollouts take a while to read, and a regular expression may take for ever: none of that must hold
// the server up. This thread does it, and can be ended.

interface Loaded {
  key: string;
  rollouts: RolloutView[];
  rows: StepRows;
}

/** The steps that were looked at last. */
const loaded: Loaded[] = [];
const keptSteps = 3;

async function load(folder: string, step: number): Promise<Loaded> {
  const file = join(folder, "rollouts", `step-${String(step).padStart(6, "0")}.jsonl`);
  const { mtimeMs = 0, size = 0 } = (await stat(file).catch(() => undefined)) ?? {};
  const key = `${file} ${mtimeMs} ${size}`;
  const known = loaded.find((one) => one.key === key);
  if (known) return known;
  const rollouts = await recordedRolloutViews(folder, step);
  const fresh = { key, rollouts, rows: rowsOf(rollouts) };
  loaded.unshift(fresh);
  loaded.splice(keptSteps);
  return fresh;
}

async function answer({ folder, step, ask }: StepQuestion): Promise<unknown> {
  const { rollouts, rows } = await load(folder, step);
  switch (ask.what) {
    case "rows":
      return rows;
    case "rollouts":
      return ask.indices.flatMap((index) => rollouts[index] ?? []);
    case "search": {
      const matches = matcher(ask.text, ask.isRegex);
      return [...rollouts.keys()].filter(
        (i) => matches(rollouts[i]!.task.prompt) || matches(rollouts[i]!.texts.join("")),
      );
    }
  }
}

function matcher(text: string, isRegex: boolean): (where: string) => boolean {
  if (isRegex) {
    const pattern = new RegExp(text, "iu");
    return (where) => pattern.test(where);
  }
  const wanted = text.toLowerCase();
  return (where) => where.toLowerCase().includes(wanted);
}

parentPort!.on("message", (question: StepQuestion) => {
  void answer(question).then(
    (value) => parentPort!.postMessage({ value } satisfies StepAnswer),
    (error: Error) =>
      parentPort!.postMessage({ error: { name: error.name, message: error.message } } satisfies StepAnswer),
  );
});
