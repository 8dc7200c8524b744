/**
 * The critic's loss: squared error with the values kept near what they were when the batch was scored (PPO's value
 * clipping: openai/baselines `ppo2`; verl `core_algos.compute_value_loss`).
 *
 *   V_clip = clip(V, V_old - valueClip, V_old + valueClip)
 *   L      = 1/2 mean over trained tokens of max((V - G)^2, (V_clip - G)^2)
 *
 * V is the value before a trained token, G what the estimator says that it should have been. verl aggregates by the policy's
 * lossAggregation; here it is the token mean always.
 */

import { add, greater, maximum, minimum, mul, sub, toFloat } from "../../graph/index.ts";
import { tokenMean, type ValueLossFunction } from "../../nn/index.ts";

/** Declares `returns` and `oldValues`, [N], and `valueClip`, []. Metric: `clipFraction`, where the clipped term is larger. */
export const clippedValueLoss: ValueLossFunction = (inputs) => {
  const { graph, values, mask } = inputs;
  const returns = graph.input("returns", mask.shape);
  const oldValues = graph.input("oldValues", mask.shape);
  const limit = graph.input("valueClip", []);
  const kept = minimum(maximum(values, sub(oldValues, limit)), add(oldValues, limit));
  const square = (value: typeof values) => {
    const error = sub(value, returns);
    return mul(error, error);
  };
  const [plain, clipped] = [square(values), square(kept)];
  return {
    loss: mul(tokenMean(maximum(plain, clipped), inputs), 0.5),
    metrics: { clipFraction: tokenMean(toFloat(greater(clipped, plain)), inputs) },
  };
};
