import { Run } from "../../src/recording/index.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { rolloutRecords } from "../../src/training/rollout-records.ts";
import type { Trainer } from "../../src/training/trainer.ts";
import { sketchBatch } from "../training/batch-tools.ts";
import { smallTrainer } from "../training/time-tools.ts";

/** What the policy of {@link recordedRun} wrote in step 1: code that ran, code that failed, no code. */
export const written = [
  "Let me compute.\n```python\nprint(1+1)\n```\n\\boxed{2}",
  "```python\nx\n```\nI think 2",
  "\\boxed{3}",
  "\\boxed{2}",
];

/** A small run of three steps that went back to step 1 once; the rollouts of its first step are `written`. */
export async function recordedRun(record: string, options: Partial<TrainerOptions>): Promise<[Trainer, Run]> {
  const trainer = await smallTrainer(options);
  await trainer.train(2, { record }).done();
  await trainer.rewind(1);
  trainer.config.learningRate = 0.002;
  await trainer.train(2, { record }).done();
  const run = await trainer.openRun(record);
  const batch = sketchBatch(
    trainer.policy.tokenizer,
    written.map((text, i) => ({
      text,
      group: Math.floor(i / 2),
      reward: i % 2 ? -1 : 1,
      status: i === 1 ? "error" : "ok",
    })),
  );
  await run.writeRollouts(1, rolloutRecords(batch));
  return [trainer, await Run.open(run.folder)];
}
