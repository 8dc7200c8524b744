import { CheckpointError } from "../base/errors.ts";
import type { ParameterSpec } from "../nn/index.ts";
import type { Weights } from "../policy/policy.ts";
import type { NamedTensor } from "../policy/safetensors.ts";
import type { OptimizerState } from "./adamw.ts";

type Tensors = Readonly<Record<string, NamedTensor>>;

/** An optimizer's moments as the tensors of a file: `m.<weight>` and `v.<weight>`. */
export function momentTensors(specs: readonly ParameterSpec[], optimizer: OptimizerState): Record<string, NamedTensor> {
  const moments: Record<string, NamedTensor> = {};
  for (const moment of ["m", "v"] as const)
    for (const { name, shape } of specs) moments[`${moment}.${name}`] = { shape, data: optimizer[moment][name]! };
  return moments;
}

/** @throws CheckpointError naming a moment that is missing or does not fit its weight. */
export function momentsOf(
  specs: readonly ParameterSpec[],
  tensors: Tensors,
  updates: number,
  where: string,
): OptimizerState {
  const take = (moment: "m" | "v"): Weights =>
    Object.fromEntries(
      specs.map(({ name, shape }) => {
        const tensor = tensors[`${moment}.${name}`];
        if (!tensor || String(tensor.shape) !== String(shape))
          throw new CheckpointError(`${where}: ${moment}.${name} is missing or has another shape.`);
        return [name, tensor.data];
      }),
    );
  return { updates, m: take("m"), v: take("v") };
}

/** A file's tensors without the optimizer's moments. */
export const modelPart = (tensors: Tensors): Record<string, NamedTensor> =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !/^[mv]\./.test(name)));
