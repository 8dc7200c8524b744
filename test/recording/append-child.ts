/** Appends steps to a run as fast as it can and says each one that is recorded, until it is killed. */
import { writeSync } from "node:fs";
import { Run } from "../../src/recording/index.ts";

const run = await Run.open(process.argv[2]!);
for (let step = 1; ; step++) {
  const { seq } = run.append({ type: "step", step, metrics: { reward: step, padding: 1 / step } });
  writeSync(1, `${seq}\n`);
}
