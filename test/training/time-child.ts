/**
 * Trains to step `total` in a folder of runs, with a critic and all that steers a run: takes up the run that is there, or
 * begins one. Says each step, and at the end a hash of weights, moments, counts and states.
 */
import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { listRuns } from "../../src/recording/index.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { byLength, smallTrainer } from "./time-tools.ts";

const [record, total] = [process.argv[2]!, Number(process.argv[3])];
const interpreter = await PythonInterpreter.start({ lanes: 1 });
const [recorded] = await listRuns(record);
const trainer = recorded
  ? await Trainer.resume(recorded.folder, { interpreter, reward: byLength })
  : await smallTrainer({
      interpreter,
      advantageEstimator: "gae",
      maxToolCalls: { values: [1, 2, 3], when: { metric: "responseLength", above: 0, for: 2 } },
      klCoef: { adaptive: { initial: 0.05, target: 1e-4, horizon: 60 } },
      entropyCoef: { adaptive: { initial: 0.001, target: 100, delta: 0.001 } },
      reference: { reset: { every: 4 } },
    });
writeSync(1, `at ${trainer.step}\n`);
if (trainer.step < total)
  for await (const { step } of trainer.train(total - trainer.step, { record })) writeSync(1, `step ${step}\n`);
const { weights, optimizer, critic, reference, controllers, policyVersion } = await trainer.checkpoint();
const learned = [{ weights, optimizer }, critic!];
const counts = learned.map(({ optimizer: { updates } }) => updates);
const hash = createHash("sha256").update(JSON.stringify([...counts, policyVersion, controllers]));
for (const part of [reference!, ...learned.flatMap(({ weights, optimizer: { m, v } }) => [weights, m, v])])
  for (const name of Object.keys(part).sort()) hash.update(name).update(part[name]!);
writeSync(1, `hash ${hash.digest("hex")}\n`);
await interpreter.close();
process.exit(0);
