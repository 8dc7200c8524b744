/** A training session as the server starts one: it finds the live channel in its environment, and ends by itself. */
import { Run } from "../../src/recording/index.ts";

const run = await Run.create({ folder: process.argv[2]!, name: "child" });
for (let step = 1; step <= 100; step++) run.append({ type: "step", step, metrics: { reward: step } });
run.append({ type: "run-finished", step: 100, reason: "completed" });
await run.close();
console.log(run.id);
