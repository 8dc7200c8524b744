import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { InvalidInputError } from "../../src/base/errors.ts";
import { main } from "../../src/commands/train.ts";
import { displaySymbol } from "../../src/display/host.ts";
import { maximum, mul, neg, sqrt, sub } from "../../src/graph/index.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Lab } from "../../src/lab.ts";
import { Run } from "../../src/recording/index.ts";
import { reward } from "../../src/reward/index.ts";
import { taskFamily } from "../../src/rollout/tasks/index.ts";
import { shapedReward } from "../../src/training/batch.ts";
import { configAt } from "../../src/training/config.ts";
import { applyFilters } from "../../src/training/filters/index.ts";
import type { TrainerOptions } from "../../src/training/open-steps.ts";
import { type EstimatorInput, estimator } from "../../src/training/parts/own-estimator.ts";
import { type FilterFunction, filter } from "../../src/training/parts/own-filter.ts";
import { guard } from "../../src/training/parts/own-guard.ts";
import { objective } from "../../src/training/parts/own-objective.ts";
import { schedule } from "../../src/training/parts/own-schedule.ts";
import { readRolloutRecords } from "../../src/training/rollout-records.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { sketchBatch } from "./batch-tools.ts";
import { byLength, runsFolder, smallTrainer } from "./time-tools.ts";

const interpreter = await PythonInterpreter.start({ lanes: 1 });
after(() => interpreter.close());

const weights = { even: 1, odd: -1 };
/** Everything that a user can bring, made anew as cells that run again would. */
const own = (bonus = 0.5) => ({
  reward: reward(
    "even-length",
    ({ text, task }) => ({
      reward: (text.length % 2 ? weights.odd : weights.even) + (task.answer ? bonus : 0),
      correct: false,
    }),
    { uses: { weights, bonus } },
  ),
  taskset: taskFamily("sums", (random) => {
    const [a, b] = [random.integer(10, 99), random.integer(10, 99)];
    return { prompt: `${a}+${b}=?`, answer: String(a + b) };
  }),
  advantageEstimator: estimator("median-baseline", ({ rewards, groups }) =>
    rewards.map((value, i) => {
      const group = rewards.filter((_, j) => groups[j] === groups[i]).sort((a, b) => a - b);
      return value - group[group.length >> 1]!;
    }),
  ),
  policyLoss: objective(
    "pessimist",
    ({ ratio, advantages, setting }) => maximum(neg(mul(ratio, advantages)), neg(mul(setting("clipRatioDual"), ratio))),
    { uses: {} },
  ),
  filters: [
    filter("first-sample", ({ sample }) => (sample === 0 ? { penalty: -0.25, reason: "it came first" } : undefined)),
  ],
  guards: [
    guard("long-ones", ({ batch, metrics }) => {
      const rollouts = batch.rollouts.filter(({ trajectory }) => trajectory.length > 20 && metrics.entropy! > 0);
      return { value: rollouts.length > 0, rollouts };
    }),
  ],
  maxToolCalls: schedule("one-more", (step) => 1 + (step > 0 ? 1 : 0)),
});

test("a training made of the user's own parts: each is used, recorded, and survives rewinding, forking and replay", async () => {
  const folder = await runsFolder();
  const parts = own();
  const trainer = await smallTrainer({ interpreter, checkpointEvery: 0, ...parts });
  const [first] = await trainer.train(2, { record: folder }).done();
  const run = await trainer.openRun(folder);

  // Each took part in the step.
  for (const { reward: given, task } of await readRolloutRecords(run, 1)) {
    assert.ok([1.5, -0.5].includes(given.reward), `the reward is ${given.reward}`);
    assert.equal(task.family, "sums");
  }
  assert.equal(first!.metrics["filtered.first-sample"], 1 / 3);
  assert.equal(configAt(trainer.config, 1).maxToolCalls, 2);
  assert.equal(first!.metrics.maxToolCalls, 1);
  assert.equal(first!.alerts.find(({ metric }) => metric === "long-ones")!.value, 1);

  // The configuration names them, and their code lies beside it.
  const config = JSON.parse(await readFile(join(run.folder, "config.json"), "utf8"));
  assert.deepEqual(config.config.advantageEstimator, {
    own: "median-baseline",
    hash: parts.advantageEstimator.hash,
  });
  assert.equal(config.setup.reward.own[0].hash, parts.reward.hash);
  const files = await readdir(join(run.folder, "parts"));
  assert.equal(files.length, 7);
  const file = files.find((name) => name.startsWith("even-length"))!;
  const recorded = JSON.parse(await readFile(join(run.folder, "parts", file), "utf8"));
  assert.match(recorded.functions.code.join("\n"), /weights\.odd/);
  assert.deepEqual(recorded.captured.weights, { kind: "data", json: weights });
  assert.match(parts.reward[displaySymbol]()["text/plain"] as string, /reads bonus = 0\.5/);

  // Advantages are the function's: the middle of each group has 0, also after the filter's penalty.
  const { batch, advantages, differences, rescored } = await trainer.replay(1);
  assert.deepEqual([differences, rescored], [[], []]);
  for (const group of [0, 1]) {
    const members = batch.rollouts.flatMap((rollout, i) => (rollout.group === group ? [i] : []));
    const middle = members.map((i) => shapedReward(batch.rollouts[i]!)).sort((a, b) => a - b)[1]!;
    for (const i of members) assert.equal(advantages.perRollout[i], shapedReward(batch.rollouts[i]!) - middle);
  }
  assert.equal(advantages.estimator, "median-baseline");

  // Another version from a step on; rewinding goes through both.
  const doubled = estimator("median-baseline", ({ rewards }) => rewards.map((value) => 2 * value));
  trainer.config.advantageEstimator = doubled;
  await trainer.train(2).done();
  const wanted = await trainer.policy.weights();
  const fork = await trainer.fork({ step: 1, record: false });
  assert.equal(fork.config.advantageEstimator, parts.advantageEstimator);
  await fork.close();
  await trainer.rewind(3);
  await trainer.train(1).done();
  assert.deepEqual(await trainer.policy.weights(), wanted, "step 3 was made again with the version of then");
  await trainer.rewind(1);
  trainer.config.advantageEstimator = parts.advantageEstimator;
  trainer.config.advantageEstimator = "median-baseline" as "grpo";
  assert.equal(trainer.config.advantageEstimator, parts.advantageEstimator, "its name means the latest");
  assert.equal((await readdir(join(run.folder, "parts"))).length, 8);
  await trainer.close();
});

test("a run goes on only with the code it was made with; a changed part is shown, and recorded where it is allowed", async () => {
  const folder = await runsFolder();
  const trainer = await smallTrainer({ interpreter, ...own() });
  await trainer.train(2, { record: folder }).done();
  const run = await trainer.openRun(folder);
  const weights = await trainer.policy.weights();
  await trainer.close();

  const { reward: same, taskset, filters, guards, ...others } = own();
  const all = [same, taskset, ...filters, ...guards, ...Object.values(others)];
  await assert.rejects(Trainer.resume(run.folder, { interpreter, reward: same, taskset }), (error: Error) => {
    assert.ok(error instanceof InvalidInputError);
    assert.match(error.message, /the estimator "median-baseline" \(parts\/median-baseline-\w+\.json\).*the schedule/);
    return true;
  });
  const changed = filter("first-sample", ({ sample }) =>
    sample === 1 ? { penalty: -0.25, reason: "it came first" } : undefined,
  );
  const [lighter] = [own(0.25).reward];
  const withOther = (part: (typeof all)[number]) => all.map((one) => (one.name === part.name ? part : one));
  await assert.rejects(Trainer.resume(run.folder, { interpreter, parts: withOther(changed) }), (error: Error) => {
    assert.match(error.message, /trained with another filter "first-sample"/);
    assert.match(error.message, /^-.*sample === 0/m);
    assert.match(error.message, /^\+.*sample === 1/m);
    assert.match(error.message, /allowChanged: true/);
    return true;
  });
  // What it reads counts as its code does.
  await assert.rejects(
    Trainer.resume(run.folder, { interpreter, parts: withOther(lighter) }),
    /another reward "even-length"[\s\S]*^-\/\/ reads bonus = 0\.5\n\+\/\/ reads bonus = 0\.25/m,
  );

  const again = await Trainer.resume(run.folder, { interpreter, parts: all });
  assert.equal(again.step, 2);
  assert.deepEqual(await again.policy.weights(), weights);
  await again.close();

  const parts = withOther(changed).map((part) => (part.name === "even-length" ? lighter : part));
  const other = await Trainer.resume(run.folder, { interpreter, parts, allowChanged: true });
  await other.train(1).done();
  await other.close();
  const events = await run.events();
  const recorded = events.flatMap((event) => (event.type === "part" ? [[event.kind, event.name, event.step]] : []));
  assert.deepEqual(recorded.sort(), [
    ["filter", "first-sample", 2],
    ["reward", "even-length", 2],
  ]);
  assert.ok(events.some((event) => event.type === "config" && "filters" in event.changes));
  assert.equal((await readdir(join(run.folder, "parts"))).length, 9);
  await assert.rejects(async () => {
    const late = await Trainer.resume(run.folder, { interpreter, parts });
    await rm(join(run.folder, "checkpoints", (await readdir(join(run.folder, "checkpoints"))).sort()[1]!), {
      recursive: true,
    });
    try {
      await late.rewind(1);
    } finally {
      await late.close();
    }
  }, /steps after 0 cannot be made again: the reward "even-length" was another one up to step 2/);
  // From now on it is the new code that is the run's.
  await assert.rejects(Trainer.resume(run.folder, { interpreter, parts: all }), /another reward/);
  await (await Trainer.resume(run.folder, { interpreter, parts })).close();
});

test("parts that cannot work are refused by name, before anything is trained", async () => {
  const { lab, policy, taskset } = await smallTrainer({ interpreter });
  const before = await policy.weights();
  const small = { promptsPerStep: 4, numGenerations: 3, miniBatches: 1, maxLength: 24 };
  const refuses = async (settings: Partial<TrainerOptions>, expected: RegExp) =>
    assert.rejects(
      async () =>
        new Trainer({ ...small, lab, policy, interpreter, taskset, reward: byLength, ...settings }).trainStep(),
      (error: Error) => {
        assert.ok(error instanceof InvalidInputError, `${error.stack}`);
        assert.match(error.message, expected);
        return true;
      },
    );
  // At the door.
  await refuses(
    { advantageEstimator: ({ rewards }) => rewards.slice(1) },
    /estimator "advantageEstimator" gave 11 advantages for 12 rollouts/,
  );
  await refuses(
    {
      advantageEstimator: function standardised({ rewards, groups }: EstimatorInput) {
        return rewards.map((value, i) => {
          const group = rewards.filter((_, j) => groups[j] === groups[i]);
          const mean = group.reduce((sum, one) => sum + one, 0) / group.length;
          return (value - mean) / Math.sqrt(group.reduce((sum, one) => sum + (one - mean) ** 2, 0));
        });
      },
    },
    /estimator "standardised" gave NaN for rollout 3, whose group has the rewards 1, 1, 1/,
  );
  let calls = 0;
  await refuses(
    { advantageEstimator: estimator("counting", ({ rewards }) => rewards.map(() => calls++)) },
    /"counting" gave 0 and then 12 for the same rollout/,
  );
  const idle = estimator("idle-critic", ({ values, rewards }) => rewards.map((reward, i) => reward - values![i]![0]!), {
    needs: ["values"],
  });
  await refuses({ advantageEstimator: idle }, /"idle-critic" works with a critic's values but gave no returns/);
  await refuses(
    { advantageEstimator: estimator("late", (async () => []) as never) },
    /estimator "late" is asynchronous/,
  );
  await refuses(
    { advantageEstimator: estimator("grpo", ({ rewards }) => rewards) },
    /the name of the lab's own estimator/,
  );
  await refuses({ maxToolCalls: (step) => step / 2 }, /"maxToolCalls" gives 0\.5 at step 1/);
  await refuses({ guards: [guard("entropy", () => false)] }, /"entropy", which is the name of a metric/);
  await refuses(
    { filters: [filter("twice", () => true), filter("twice", () => false)] },
    /a filter comes twice|Two different parts/,
  );
  await refuses(
    {
      filters: [
        (
          () => () =>
            true
        )(),
      ],
    },
    /A filter of your own has no name/,
  );
  assert.throws(() => schedule("odd", (step) => 1 / step), /schedule "odd" gave Infinity for step 0/);
  assert.throws(() => schedule("dice", () => Math.random()), /"dice" gave .* and then .* for step 0/);
  assert.throws(() => objective("sum", ({ advantages }) => advantages), /"sum" does not depend on the log-probs/);
  assert.throws(() => estimator("bound", Math.max.bind(null) as never), /built-in or a bound function/);
  assert.throws(() => estimator("a/b", ({ rewards }) => rewards), /cannot be called "a\/b"/);
  assert.throws(
    () => reward("x", ({ text }) => ({ reward: text.length, correct: true }), { uses: { interpreter } }),
    /uses\.interpreter/,
  );
  assert.throws(() => taskFamily("dice", () => ({ prompt: `${Math.random()}`, answer: "1" })), /two different tasks/);
  assert.throws(() => taskFamily("numbers", (() => ({ prompt: "1+1=?", answer: 2 })) as never), /whose answer is 2/);
  await refuses(
    { policyLoss: objective("typo", ({ logprobs, setting }) => mul(logprobs, setting("clipRatioHi"))) },
    /reads the setting "clipRatioHi".*clipRatioHigh/,
  );

  // On the first batch.
  await refuses(
    { reward: () => ({ reward: Number.NaN, correct: false }) },
    /reward "reward" gave the reward NaN, which is not a finite number, for the answer/,
  );
  await refuses(
    { reward: () => ({ reward: 1, correct: true, detail: { counted: 1n } }) },
    /reward "reward" gave something that cannot be recorded as JSON \(.*BigInt\)/,
  );
  await refuses({ reward: (() => 1) as never }, /gave 1 instead of \{ reward, correct \}/);
  await refuses(
    { filters: [filter("bonus", () => ({ penalty: 1 }))] },
    /filter "bonus" gave the penalty 1 for rollout 0\/0/,
  );
  await refuses(
    { filters: [filter("numbered", (() => ({ mask: true, reason: 5 })) as never)] },
    /filter "numbered" gave \{"mask":true,"reason":5\} for rollout 0\/0/,
  );
  await refuses(
    { guards: [guard("half", (() => ({ value: false, rollouts: [{ group: 0 }] })) as never)] },
    /guard "half" named \{"group":0\} as a rollout in step 1/,
  );
  await refuses({ guards: [guard("words", (() => "bad") as never)] }, /guard "words" gave "bad" in step 1/);
  await refuses(
    { policyLoss: objective("root", ({ ratio, advantages }) => mul(sqrt(sub(ratio, 1)), advantages)) },
    /objective "root" has the gradient .* with ratio/,
  );
  await refuses(
    { policyLoss: objective("flat", ({ ratio }) => mul(ratio, 0)) },
    /objective "flat" has the gradient 0 at every token/,
  );
  assert.deepEqual(await policy.weights(), before);
});

test("a run under way takes code of the user's own: it is recorded with the command, and the run can be taken up with it", async () => {
  const folder = await runsFolder();
  const trainer = await smallTrainer({ interpreter });
  const run = trainer.start(3, { record: folder });
  await run.step();
  const halved = estimator("halved", ({ rewards }) => rewards.map((one) => one / 2));
  const once = (step: number) => (step < 2 ? 1 : 2);
  await run.set({ advantageEstimator: halved, maxToolCalls: once, temperature: 0.9 });
  assert.equal(trainer.config.advantageEstimator, halved);
  assert.deepEqual(
    [0, 5].map((step) => configAt(trainer.config, step).maxToolCalls),
    [1, 2],
  );
  assert.equal(trainer.config.temperature, 0.9);
  await assert.rejects(run.set({ maxToolCalls: (step) => step / 2 }), /"maxToolCalls" gives 0\.5 at step 1/);
  await run.resume();
  await run.done;
  const { folder: of } = await trainer.openRun(folder);
  const told = (await (await trainer.openRun(folder)).events()).flatMap((event) =>
    event.type === "command" && event.command.type === "set" ? [event.command.values] : [],
  );
  assert.deepEqual(told[0]!.advantageEstimator, { own: "halved", hash: halved.hash });
  const parts = trainer.parts.filter(({ kind }) => kind !== "reward");
  await trainer.close();
  const again = await Trainer.resume(of, { interpreter, reward: byLength, parts });
  assert.equal(again.config.advantageEstimator, halved);
  await again.close();
});

test("a schedule that leaves its range after the steps at which it was tried stops there, before anything is trained", async () => {
  const falling = schedule("falling", (step) => 1e-3 * (1 - step / 2500));
  const { config } = await smallTrainer({ interpreter, learningRate: falling, warmupSteps: 0 });
  assert.equal(configAt(config, 2500).learningRate, 0);
  assert.throws(
    () => configAt(config, 2501),
    (error) =>
      error instanceof InvalidInputError &&
      /"falling" gives learningRate the value -.* at step 2501/.test(error.message),
  );
});

test("filters of the user's own: out of the loss, in or out of the statistics", async () => {
  const { tokenizer } = (await smallTrainer({ interpreter })).policy;
  const batch = sketchBatch(tokenizer, [
    { text: "sorry", group: 0, reward: 1 },
    { text: "fine", group: 0, reward: -1 },
    { text: "fine", group: 1, reward: 1 },
  ]);
  const begs: FilterFunction = ({ trajectory }, siblings) =>
    trajectory.assistantText.includes("sorry") && `it begs before ${siblings.length - 1} other`;
  for (const inStatistics of [true, false]) {
    const { rollouts } = applyFilters(batch, [filter("no-begging", begs, { inStatistics })]);
    const mark = { filter: "no-begging", reason: "it begs before 1 other", masked: true, inStatistics };
    assert.deepEqual(
      rollouts.map(({ marks }) => marks),
      [[mark], undefined, undefined],
    );
  }
});

test("a rollout that a filter of the user's own punishes stays in the statistics: the punishment reaches its advantage", async () => {
  const { lab, policy, taskset } = await smallTrainer({ interpreter });
  const late = filter("late", ({ sample }) => (sample === 0 ? { penalty: -0.5 } : undefined), { inStatistics: false });
  const settings = { promptsPerStep: 2, numGenerations: 2, miniBatches: 1, advantageEstimator: "dr-grpo" as const };
  const trainer = new Trainer({ ...settings, lab, policy, interpreter, taskset, reward: byLength, filters: [late] });
  const batch = sketchBatch(
    policy.tokenizer,
    [0, 0, 1, 1].map((group) => ({ text: "2", group, reward: 1 })),
  );
  const { perRollout } = trainer.advantages(applyFilters(batch, trainer.config.filters));
  assert.deepEqual([...perRollout], [-0.25, 0.25, -0.25, 0.25]);
});

test("a part made again from the same code is the same; one that reads something unknown cannot be told from another", async () => {
  const make = (factor: number, uses?: { factor: number }) =>
    estimator("scaled", ({ rewards }) => rewards.map((value) => value * factor), uses ? { uses } : {});
  assert.equal(make(2, { factor: 2 }).hash, make(2, { factor: 2 }).hash);
  assert.notEqual(make(2, { factor: 2 }).hash, make(3, { factor: 3 }).hash);
  assert.deepEqual(make(2).unrecorded, ["factor"]);
  const trainer = await smallTrainer({ interpreter, advantageEstimator: make(2) });
  assert.throws(() => {
    trainer.config.advantageEstimator = make(3);
  }, /it reads factor, of which nothing is recorded/);
  trainer.config.advantageEstimator = make(3, { factor: 3 });

  const hash = (code: string) => estimator("one", new Function(`return ${code}`)() as never).hash;
  const plain = hash("({ rewards }) => { const twice = rewards.map((x) => 2 * x); return twice; }");
  assert.equal(
    hash("function other({rewards}) {// why\n const twice=rewards.map(x=>2*x)\n return (twice) }") === plain,
    true,
  );
  assert.equal(hash("({rewards})=>{\n  // why\n  const twice=rewards.map(x=>2*x)\n  return (twice)\n}"), plain);
  assert.notEqual(hash("({ rewards }) => { const twice = rewards.map((x) => 3 * x); return twice; }"), plain);
});

test("the command takes code from a module; a reward whose unknown parts changed gives itself away by the rollouts", async () => {
  const folder = await runsFolder();
  const file = join(folder, "mine.mjs");
  const index = new URL("../../src/index.js", import.meta.url).href;
  await writeFile(
    file,
    `import { estimator, reward } from ${JSON.stringify(index)};
     export const halved = estimator("halved", ({ rewards }) => rewards.map((value) => value / 2));
     export const scaled = (factor) => reward("scaled", ({ text }) => ({ reward: factor * text.length, correct: false }));
     export const once = scaled(1);`,
  );
  const { halved, once, scaled } = (await import(pathToFileURL(file).href)) as {
    halved: ReturnType<typeof estimator>;
    once: ReturnType<typeof reward>;
    scaled: (factor: number) => ReturnType<typeof reward>;
  };
  const trainer = await smallTrainer({ interpreter, advantageEstimator: halved, reward: once });
  await trainer.train(1, { record: folder }).done();
  const run = await trainer.openRun(folder);
  await trainer.close();
  await assert.rejects(
    Trainer.resume(run.folder, { interpreter, parts: [halved, scaled(2)] }),
    /it gives rollout 0\/0 of step 1 [-\d.]+, recorded is/,
  );
  assert.equal(await main(["--resume", run.folder, "--steps", "1"]), 2, "without the code");
  assert.equal(await main(["--resume", run.folder, "--steps", "1", "--parts", file]), 0);
  assert.equal((await (await Run.open(run.folder)).timeline()).step, 2);
});

test("arms of a comparison may be the user's own", async () => {
  const lab = new Lab({ seed: 7, device: "cpu", threads: 1 });
  const { policy, taskset } = await smallTrainer({ interpreter });
  const zero = estimator("nothing", ({ rewards }) => rewards.map(() => 0));
  const small = { promptsPerStep: 2, numGenerations: 3, maxLength: 32, miniBatches: 1, weightDecay: 0 };
  const comparison = await lab.compare({
    base: { ...small, policy, interpreter, taskset, reward: own().reward },
    vary: { advantageEstimator: ["grpo", zero], policyLoss: [own().policyLoss] },
    steps: 1,
  });
  assert.deepEqual(
    comparison.arms.map(({ name }) => name),
    ["control", "advantageEstimator grpo", "advantageEstimator nothing", "policyLoss pessimist"],
  );
  assert.equal(comparison.arms[2]!.runs[0]!.metrics[0]!.gradNorm, 0);
});
