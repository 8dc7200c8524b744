import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { recipes } from "../../src/recipes/index.ts";
import type { Reward } from "../../src/reward/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { Trainer } from "../../src/training/trainer.ts";

export const runsFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "cirlab-runs-"));

/** A policy with fresh weights gets nothing right; lengths differ, so there is something to learn. */
export const byLength: Reward = {
  name: "by length",
  score: ({ text }) => ({ reward: (text.length % 5) / 2 - 1, correct: false, detail: {} }),
};

/** A trainer whose steps take a fraction of a second, the same in every process. */
export async function smallTrainer(settings: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const lab = new Lab({ seed: 7, device: "cpu", threads: 1 });
  const interpreter = settings.interpreter ?? (await PythonInterpreter.start({ lanes: 1 }));
  return new Trainer({
    ...recipes.cir(),
    promptsPerStep: 2,
    numGenerations: 3,
    maxLength: 32,
    checkpointEvery: 1,
    lab,
    policy: await Policy.create("tiny-math", { lab }),
    taskset: tasks.arithmetic({ families: ["algebra", "chain1"] }),
    reward: byLength,
    ...settings,
    interpreter,
  });
}
