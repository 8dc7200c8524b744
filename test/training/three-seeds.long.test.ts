import assert from "node:assert/strict";
import { test } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Policy } from "../../src/policy/policy.ts";
import { recipes } from "../../src/recipes/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { sft } from "../../src/training/sft.ts";
import { Trainer } from "../../src/training/trainer.ts";

// The main claim, as the second tutorial makes it: from a base model of its own for each seed.
for (const seed of [80, 81, 82]) {
  test(`seed ${seed}: reinforcement teaches the policy to use code`, async (t) => {
    const lab = new Lab({ seed, device: "cpu", threads: 2 });
    const python = await PythonInterpreter.start({ isolation: "pooled" });
    const policy = await Policy.create("tiny-math", { lab });
    try {
      const { train, heldOut } = tasks.arithmetic().split({ heldOut: 84 });
      await sft({ lab, policy, interpreter: python, taskset: train });
      const before = await lab.evaluate(policy, heldOut, { interpreter: python, samples: 16 });
      const trainer = new Trainer({ ...recipes.cir(), lab, policy, interpreter: python, taskset: train });
      for await (const { metrics, step } of trainer.train(60, { record: false })) {
        assert.ok(metrics.ratioDeviation < 1e-4, `step ${step}: ratio off by ${metrics.ratioDeviation}`);
        assert.equal(metrics.skipped, 0);
        assert.equal(metrics.infrastructure, 0);
      }
      const after = await lab.evaluate(policy, heldOut, { interpreter: python, samples: 16 });
      const helped = Object.entries(after.families).filter(([family]) => family !== "facts");
      const withCode = helped.reduce((sum, [, summary]) => sum + summary.accuracy.value, 0) / helped.length;
      const families = Object.entries(after.families).map(
        ([name, { accuracy }]) => `${name} ${accuracy.value.toFixed(2)}`,
      );
      t.diagnostic(
        `accuracy ${before.summary.accuracy.value.toFixed(3)} -> ${after.summary.accuracy.value.toFixed(3)}, ` +
          `where code helps ${withCode.toFixed(3)}, correct with code ${before.summary.codeShareOfCorrect.toFixed(2)} -> ` +
          `${after.summary.codeShareOfCorrect.toFixed(2)} (${families.join(", ")}; ${python.description})`,
      );
      assert.ok(after.summary.accuracy.value >= before.summary.accuracy.value + 0.3);
      assert.ok(withCode >= 0.8, `where code helps: ${withCode}`);
      assert.ok(after.summary.codeShareOfCorrect > before.summary.codeShareOfCorrect);
    } finally {
      await python.close();
      await policy.engine.close();
    }
  });
}
