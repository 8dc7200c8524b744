import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { checkedConfig } from "../../src/training/check-config.ts";
import { configAt, scheduledSettings } from "../../src/training/config.ts";
import { type ControllerStates, controllerStatesSchema, lookAll } from "../../src/training/controllers/index.ts";
import { lookReset, type PlateauState, referenceSchema } from "../../src/training/controllers/reference-reset.ts";
import { explainMetric } from "../../src/training/explain.ts";
import { limitRollbacks } from "../../src/training/guards/rollback-limit.ts";

/** Steps with these metrics: the values in force in each, and what was changed after it. */
function course(settings: Record<string, unknown>, steps: readonly Record<string, number>[], rollouts = 64) {
  const config = checkedConfig(settings, 96);
  let states: ControllerStates = {};
  const values: ReturnType<typeof configAt>[] = [];
  const changes: string[] = [];
  steps.forEach((metrics, i) => {
    values.push(configAt(config, i, states));
    const seen = lookAll(scheduledSettings(config), states, { step: i + 1, metrics, rollouts });
    changes.push(...seen.changes.map(({ step, text }) => `${step}: ${text}`));
    // As it is after a checkpoint.
    states = controllerStatesSchema.parse(JSON.parse(JSON.stringify(seen.states)));
  });
  return { values, changes, states };
}

const near = (actual: readonly number[], expected: readonly number[]) =>
  assert.ok(
    actual.length === expected.length && actual.every((value, i) => Math.abs(value - expected[i]!) < 1e-12),
    `${actual} is not ${expected}`,
  );

test("a trigger moves to the next value when the mean over its steps passes the limit, and never back", () => {
  const settings = (when: object) => ({ maxToolCalls: { values: [2, 3, 4], when } });
  const accuracy = (...all: number[]) => all.map((one) => ({ accuracy: one }));
  const budgets = ({ values }: ReturnType<typeof course>) => values.map(({ maxToolCalls }) => maxToolCalls);
  const seen = course(
    settings({ metric: "accuracy", above: 0.7, for: 3 }),
    accuracy(0.9, 0.9, 0.2, 0.9, 0.9, 0.9, 0.9, 0.1, 0, 0),
  );
  // The means of three: 0.667, 0.667, 0.667, 0.9 at step 6; then the count begins anew.
  assert.deepEqual(budgets(seen), [2, 2, 2, 2, 2, 2, 3, 3, 3, 3]);
  assert.deepEqual(seen.changes, [
    "6: maxToolCalls goes from 2 to 3: accuracy was 0.9 on average over 3 steps, above 0.7",
  ]);
  const below = course(settings({ metric: "accuracy", below: 0.5 }), accuracy(0.6, 0.4, 0.4, 0.4));
  assert.deepEqual(budgets(below), [2, 2, 3, 4]);
  const held = course(settings({ metric: "accuracy", above: 0.5, minSteps: 3 }), accuracy(1, 1, 1, 1, 1, 1, 1));
  assert.deepEqual(budgets(held), [2, 2, 2, 3, 3, 3, 4]);
  const gaps = course(settings({ metric: "accuracy", above: 0.5, for: 2 }), [
    { accuracy: 1 },
    {},
    { accuracy: Number.NaN },
    { accuracy: 1 },
    {},
  ]);
  assert.deepEqual(budgets(gaps), [2, 2, 2, 2, 3], "a step without the metric does not count");
});

test("any number may follow a schedule; lengths that the policy has no positions for are refused", () => {
  const config = checkedConfig(
    {
      maxLength: [
        [0, 32],
        [10, 64],
      ],
      temperature: { linear: [1, 1.2], steps: 10 },
      gamma: { cosine: [1, 0.9], steps: 4 },
    },
    96,
  );
  const { maxLength, temperature, gamma } = configAt(config, 10);
  near([maxLength, temperature, gamma], [64, 1.2, 0.9]);
  for (const maxLength of [
    97,
    [
      [0, 32],
      [10, 97],
    ],
    { linear: [97, 1], steps: 3 },
    {
      piecewise: [
        [0, 1],
        [9, 97],
      ],
    },
    { values: [32, 97], when: { metric: "truncated", above: 0.1 } },
  ])
    assert.throws(() => checkedConfig({ maxLength }, 96), /maxLength \(97\) is more than the policy's 96 positions/);
});

test("a trigger that was changed begins anew", () => {
  const when = { metric: "accuracy", above: 0.5 };
  const { states } = course({ maxToolCalls: { values: [2, 3, 4], when } }, [{ accuracy: 1 }]);
  const now = (values: number[]) => configAt(checkedConfig({ maxToolCalls: { values, when } }, 96), 1, states);
  assert.equal(now([2, 3, 4]).maxToolCalls, 3);
  assert.equal(now([2, 3, 5]).maxToolCalls, 2);
});

// Expected values of the next two tests were computed from the formulas with NumPy.
test("the adaptive KL coefficient is Ziegler's controller", () => {
  const klCoef = { adaptive: { initial: 0.01, target: 0.1, horizon: 10_000 } };
  const config = checkedConfig({ klCoef }, 96);
  let states: ControllerStates = {};
  const values: number[] = [];
  for (const [refKl, rollouts] of [
    [0.5, 256],
    [0.12, 256],
    [0.1, 256],
    [0.05, 512],
    [0, 64],
    [0.095, 1000],
  ] as const) {
    states = lookAll(scheduledSettings(config), states, { step: 1, metrics: { refKl }, rollouts }).states;
    values.push(configAt(config, 1, states).klCoef);
  }
  near(
    values,
    [0.0100512, 0.010102662144, 0.010102662144, 0.00999921088364544, 0.009986411893714374, 0.009936479834245802],
  );
  assert.equal(configAt(config, 0).klCoef, 0.01);
  const unmeasured = course({ klCoef }, [{}, { refKl: Number.NaN }, {}]);
  near(
    unmeasured.values.map((at) => at.klCoef),
    [0.01, 0.01, 0.01],
  );
});

test("the adaptive entropy coefficient grows while entropy is low and is off while it is high", () => {
  const entropyCoef = { adaptive: { initial: 0.01, target: 0.2, delta: 0.005, max: 0.02 } };
  const entropies = [0.5, 0.5, 0.1, 0.2, 0.05, 0.3, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
  const { values } = course(
    { entropyCoef },
    entropies.map((entropy) => ({ entropy })),
  );
  near(
    values.map((at) => at.entropyCoef),
    [0.01, 0, 0, 0.005, 0.005, 0.01, 0, 0, 0.005, 0.01, 0.015, 0.02, 0.02],
  );
});

test("a reference is reset by step, or when a metric stops rising", () => {
  const every = referenceSchema.parse({ reset: { every: 3 } });
  const fires = (step: number) => lookReset(every, "", undefined, { step, metrics: {}, rollouts: 1 }).reason;
  assert.deepEqual([1, 2, 3, 4, 6].map(fires).map(Boolean), [false, false, true, false, true]);

  const onPlateau = referenceSchema.parse({
    reset: { onPlateau: { metric: "reward", patience: 2, minDelta: 0.1 } },
    resetOptimizer: false,
  });
  let state: PlateauState | undefined;
  const reasons = [0, 0.5, 0.55, 0.2, 0.1, 0.15, 0.19, 0.9].map((reward, i) => {
    const seen = lookReset(onPlateau, "", state, { step: i + 1, metrics: { reward }, rollouts: 1 });
    state = seen.state;
    return seen.reason ?? "";
  });
  // 0.55 is no better than 0.5 by 0.1; after the reset the best is sought anew, from 0.1 on.
  assert.deepEqual(reasons.map((reason, i) => (reason ? i + 1 : 0)).filter(Boolean), [4, 7]);
  assert.equal(reasons[3], "reward has not been above 0.6 for 2 steps");
});

test("going back too often within some steps pauses, and the count begins anew", () => {
  const limit = { count: 3, within: 10 };
  let rollbacks: readonly number[] = [];
  const paused = [1, 5, 12, 14, 15, 16].filter((step) => {
    const seen = limitRollbacks(limit, rollbacks, step);
    rollbacks = seen.rollbacks;
    return seen.alert?.action === "pause";
  });
  // At 12 only 5 and 12 lie within ten steps.
  assert.deepEqual(paused, [14]);
  assert.deepEqual(rollbacks, [15, 16]);
});

test("every hyperparameter that may be scheduled is a metric that can be explained", () => {
  for (const name of Object.keys(scheduledSettings(checkedConfig({}, 96))))
    assert.ok(explainMetric(name).meaning, name);
});

test("what does not fit is refused: the setting, the value, and what is close", () => {
  const when = { metric: "accuracy", above: 0.7 };
  for (const [settings, pattern] of [
    [{ maxToolCalls: { values: [2, 3], when: { ...when, metric: "acuracy" } } }, /when\.metric.*did you mean accuracy/],
    [{ maxToolCalls: { values: [2, 3], when: { ...when, below: 0.1 } } }, /either above or below/],
    [{ maxToolCalls: { values: [2.5, 3], when } }, /maxToolCalls\.values\.0.*int.*2\.5/],
    [{ maxToolCalls: { values: [2], when } }, /at least two values/],
    [{ learningRate: { linera: [1, 2] } }, /one of piecewise, linear, cosine, values/],
    [{ learningRate: { adaptive: { initial: 1, target: 1, horizon: 1 } } }, /one of piecewise, linear, cosine, values/],
    [{ klCoef: { adaptive: { initial: 0, target: 1, horizon: 3 } } }, /klCoef\.adaptive\.initial/],
    [{ entropyCoef: { adaptive: { initial: 2, target: 1, delta: 3 } } }, /min <= initial <= max/],
    [{ reference: { ema: 1 } }, /reference\.ema.*1/],
    [{ reference: { reset: { onPlateau: { metric: "rewrd", patience: 3 } } } }, /did you mean reward/],
    [{ importanceLevel: "tokens" }, /did you mean "token"/],
  ] as const)
    assert.throws(
      () => checkedConfig(settings, 96),
      (error) => {
        assert.ok(error instanceof InvalidInputError);
        assert.match(error.message, pattern);
        return true;
      },
    );
});
