import { InvalidInputError } from "../base/errors.ts";
import { zeros } from "./shape.ts";
import { shapeText, type Tensor } from "./tensor.ts";

/**
 * Gradients by reverse-mode differentiation: appends to the graph what computes d loss / d parameter.
 *
 * @param loss a scalar, shape [].
 * @param parameters inputs (or any tensors) to differentiate by; zeros where the loss does not depend on one.
 * @returns one tensor for each parameter, of its shape.
 */
export function grad(loss: Tensor, parameters: readonly Tensor[]): Tensor[] {
  const { graph } = loss;
  if (loss.shape.length || loss.dtype !== graph.dtype)
    throw new InvalidInputError(
      `A loss is one ${graph.dtype} number, shape []; this one is ${loss.dtype} ${shapeText(loss.shape)}.`,
      "Aggregate it with sum or mean.",
    );
  const derivations = [...graph.derivations];
  const dependent = new Set(parameters);
  for (const { inputs, outputs } of derivations)
    if (inputs.some((input) => dependent.has(input))) for (const output of outputs) dependent.add(output);
  const gradients = new Map<Tensor, Tensor>([[loss, graph.scalar(1)]]);
  for (const { inputs, outputs, vjp } of derivations.reverse()) {
    const known = outputs.map((output) => (dependent.has(output) ? gradients.get(output) : undefined));
    if (!known.some((gradient) => gradient)) continue;
    vjp(known).forEach((gradient, i) => {
      const input = inputs[i]!;
      if (!gradient || !dependent.has(input)) return;
      const before = gradients.get(input);
      gradients.set(input, before ? graph.emit("Add", [before, gradient], input.shape) : gradient);
    });
  }
  return parameters.map((parameter) => gradients.get(parameter) ?? zeros(graph, parameter.shape));
}
