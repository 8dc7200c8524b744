import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { displaySymbol } from "../../src/display/host.ts";
import { diffRuns } from "../../src/interop/index.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { RecordingError, type Run, stepsOf } from "../../src/recording/index.ts";
import { reward } from "../../src/reward/index.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { estimator } from "../../src/training/parts/own-estimator.ts";
import { filter } from "../../src/training/parts/own-filter.ts";
import type { Trainer } from "../../src/training/trainer.ts";
import { cirlab } from "../training/cirlab.ts";
import { runsFolder, smallTrainer } from "../training/time-tools.ts";

const record = await runsFolder();
const interpreter = await PythonInterpreter.start({ lanes: 1 });
let trainer: Trainer;
let [a, b] = [] as unknown as [Run, Run];
before(async () => {
  trainer = await smallTrainer({ interpreter });
  await trainer.train(3, { record }).done();
  a = await trainer.openRun(record);
  const other = await smallTrainer({ interpreter, clipRatioDual: 5 });
  await other.train(1, { record }).done();
  other.config.temperature = 0.7;
  await other.train(2, { record }).done();
  b = await other.openRun(record);
});
after(async () => {
  await interpreter.close();
  await rm(record, { recursive: true });
});

test("two runs: settings, changes on the way, the first figures that differ, the last ones", async () => {
  const diff = await diffRuns(a.folder, b);
  assert.deepEqual(diff.settings, [
    { what: "clipRatioDual", a: trainer.config.clipRatioDual, b: 5 },
    { what: "temperature after step 1", a: undefined, b: 0.7 },
  ]);
  assert.deepEqual(diff.versions, []);
  assert.deepEqual(diff.parts, [], "the same weights, tasks, reward and interpreter");
  assert.equal(diff.commonSteps, 3);
  assert.equal(diff.first!.step, 2, "another temperature shows in the step after it");
  const [ours, theirs] = await Promise.all([a, b].map(async (run) => stepsOf(await run.events())));
  const entropy = diff.first!.metrics.find(({ what }) => what === "entropy")!;
  assert.deepEqual([entropy.a, entropy.b], [ours![1]!.metrics.entropy, theirs![1]!.metrics.entropy]);
  assert.ok(diff.first!.metrics.every(({ what }) => !what.startsWith("seconds")));
  const final = diff.final.find(({ metric }) => metric === "reward")!;
  const [left, right] = [ours![2]!.metrics.reward!, theirs![2]!.metrics.reward!];
  assert.deepEqual(final, { metric: "reward", a: left, b: right, difference: right - left });
  const text = String(diff[displaySymbol]()["text/plain"]);
  assert.match(text, /3 steps in common; the same: versions, parts/);
  assert.match(text, /temperature after step 1 +none +0\.7/);
  assert.match(text, /First different figures: step 2/);
});

test("a run compared with itself has nothing of its own", async () => {
  const diff = await diffRuns(a, a);
  for (const list of [diff.settings, diff.versions, diff.parts]) assert.deepEqual(list, []);
  assert.equal(diff.first, undefined);
  assert.ok(diff.final.every(({ difference }) => difference === 0));
});

test("other weights, seeds, tasks and rewards are told apart", async () => {
  const { lab, policy } = trainer;
  const other = await smallTrainer({ interpreter, reward: undefined, policy: await policy.clone(), lab });
  await other.train(1, { record }).done();
  const { parts } = await diffRuns(a, await other.openRun(record));
  const named = parts.map(({ what }) => what);
  assert.ok(named.includes("weights at the start") && named.includes("reward name"), named.join(", "));
});

test("code of the users' own is compared by its hash, and the difference shown as text", async () => {
  const centre = (weight: number) =>
    estimator("centred", ({ rewards }) => rewards.map((one) => (one - rewards[0]!) * weight), { uses: { weight } });
  const judge = reward("judge", ({ text }) => ({ reward: text.length % 2, correct: false }));
  const trained = async (settings: Partial<TrainerOptions>) => {
    const one = await smallTrainer({ interpreter, reward: judge, ...settings });
    await one.train(1, { record }).done();
    return one;
  };
  const first = await trained({ advantageEstimator: centre(1) });
  const second = await trained({ advantageEstimator: centre(2) });
  const [left, right] = [await first.openRun(record), await second.openRun(record)];
  const diff = await diffRuns(left, right);
  assert.deepEqual(
    diff.code.map(({ kind, name, a, b }) => [kind, name, a, b]),
    [["estimator", "centred", centre(1).hash, centre(2).hash]],
    "the reward is the same code",
  );
  assert.match(diff.code[0]!.diff, /^--- a: centred \w{12}\n\+\+\+ b: centred \w{12}\n/);
  assert.match(diff.code[0]!.diff, /^-\/\/ reads weight = 1\n\+\/\/ reads weight = 2$/m);
  const bundle = diff[displaySymbol]();
  assert.match(String(bundle["text/plain"]), /Code of the estimator centred\n--- a: centred/);
  assert.match(String(bundle["text/html"]), /<pre>--- a: centred[^<]*rewards\.map\(\(one\) =&gt;/);
  assert.deepEqual((await diffRuns(left, left)).code, []);

  // A version that came on the way counts, and so does code that the other run does not have.
  first.config.advantageEstimator = centre(2);
  first.config.filters = [filter("none", () => undefined)];
  await first.train(1).done();
  const [later, only] = (await diffRuns(left.folder, right)).code;
  assert.deepEqual([later!.name, later!.a, later!.b], ["centred", centre(1).hash, centre(2).hash]);
  assert.deepEqual([only!.kind, only!.name, only!.b], ["filter", "none", undefined]);
  assert.match(only!.diff, /^--- a: none \w{12}\n\+\+\+ b: none\n[\s\S]*^-\(\) => undefined$/m);
  assert.doesNotMatch(only!.diff, /^\+(?!\+\+ )/m);
  await Promise.all([first.close(), second.close()]);
});

test("a run compared with a paper says what its trainer says; unknown papers and runs are refused", async () => {
  const diff = await diffRuns(a, { paper: "cir" });
  assert.deepEqual(diff.differences, trainer.diff("cir").differences);
  await assert.rejects(diffRuns(a, { paper: "cis" }), InvalidInputError);
  await assert.rejects(diffRuns(a, "runs/nowhere"), RecordingError);
});

test("cirlab runs diff prints both kinds", async () => {
  const runs = await cirlab("runs", "diff", a.id, b.id, "--folder", record);
  assert.equal(runs.code, 0, runs.err);
  assert.match(runs.out, /clipRatioDual +\S+ +5/);
  const paper = await cirlab("runs", "diff", a.id, "--paper", "cir", "--folder", record);
  assert.equal(paper.code, 0, paper.err);
  assert.match(paper.out, /Settings that differ from arXiv:2505\.24480/);
  assert.equal((await cirlab("runs", "diff", a.id, "--folder", record)).code, 2);
});
