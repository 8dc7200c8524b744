import assert from "node:assert/strict";
import { test } from "node:test";
import { cellWith, notebookOf, outputOf, plain, run } from "./runner.ts";

/** The laboratory in a few cells, as its design has them; how many steps there are is written in by the test. */
const tour = (steps: { cold: number; train: number; back: number; on: number }) => `\
import { Lab, Policy, PythonInterpreter, Trainer, tasks, rewards, recipes, sft } from "cirlab";
const lab = new Lab({ seed: 80, device: "auto" });
lab

const policy = await Policy.create("tiny-math", { lab });
const python = await PythonInterpreter.start({ timeoutMs: 5000, maxOutputChars: 400 });
await python.run("print(2**10)")

const taskset = tasks.arithmetic({ families: ["algebra", "chain"] });
await sft({ lab, policy, interpreter: python, taskset, steps: ${steps.cold} });
let rollout = lab.rollout({ policy, interpreter: python, task: taskset.at(0), maxToolCalls: 2 });
await rollout.token();
for (let sampleIndex = 1; !(await rollout.turn()); sampleIndex++)
  rollout = lab.rollout({ policy, interpreter: python, task: taskset.at(0), maxToolCalls: 2, sampleIndex });
rollout

const alt = rollout.fork({ turn: 1, toolOutput: "NameError: name 'x' is not defined" });
await alt.finish();
[alt.terminated, alt.truncated, alt.stopReason, alt.reward]

const trainer = new Trainer({ ...recipes.cir(), reward: rewards.boxedAnswer(), lab, policy, interpreter: python, taskset });
trainer.diff("arXiv:2505.24480")

const batch = await trainer.collect(); const advantages = trainer.advantages(batch);
const objective = await trainer.objective(batch, advantages);
objective

await trainer.update(batch, advantages)

for await (const step of trainer.train(${steps.train})) if (step.alerts.length) break;

trainer.config.clipRatioHigh = 0.4; await trainer.rewind(${steps.back}); await trainer.train(${steps.on}).done();
[trainer.step, trainer.config.clipRatioHigh]

await lab.evaluate(policy, tasks.load("AIME24.jsonl"), { interpreter: python, samples: 16 })

await python.close();`;

test("the design's cells run one after the other", async () => {
  // Two questions in the file's form; the real thirty are not for a policy of this size.
  const aime = [
    { problem: "3*4+5=?", answer: "17" },
    { problem: "20*2+1=?", answer: "41" },
  ];
  const file = aime.map((row) => `${JSON.stringify(row)}\n`).join("");
  const path = await notebookOf(tour({ cold: 60, train: 3, back: 1, on: 2 }), { "AIME24.jsonl": file });
  const cells = await run(path);
  assert.match(outputOf(cells, "new Lab("), /seed +80/);
  assert.match(outputOf(cells, "PythonInterpreter.start"), /1024/);
  const rollout = outputOf(cells, "rollout.token()");
  for (const source of ["prompt", "sampled", "tool"]) assert.match(rollout, new RegExp(`^${source} +│`, "m"));
  assert.match(outputOf(cells, "rollout.fork("), /\[ ?(true, false, 'completed'|false, true, '\w+'), -?1 ?\]/);
  assert.match(outputOf(cells, "trainer.diff("), /promptsPerStep +128 +32/);
  const objective = outputOf(cells, "trainer.objective(");
  for (const column of ["ratio", "advantage", "clipped", "loss term"]) assert.ok(objective.includes(column), objective);
  assert.match(outputOf(cells, "trainer.update("), /gradNorm[\s\S]*entropy[\s\S]*kl [\s\S]*clipFraction/);
  const panel = cellWith(cells, "of trainer.train(").outputs!;
  assert.ok(
    panel.some(({ data }) => data?.["image/svg+xml"]),
    "a panel under the cell",
  );
  // The update of the cell before was no step of the run: it counts from the trained ones.
  assert.match(outputOf(cells, "trainer.rewind("), /\[ 3, 0\.4 \]/);
  assert.match(plain(cells.at(-2)!), /avg@16/);
});
