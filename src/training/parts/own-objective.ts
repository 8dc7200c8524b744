import { InvalidInputError } from "../../base/errors.ts";
import { Graph, grad, mul, Tensor, toFloat } from "../../graph/index.ts";
import { sameShape, shapeText } from "../../graph/tensor.ts";
import { Part, type PartOptions } from "../../parts/index.ts";
import { composeObjective } from "../objectives/compose.ts";
import type { PolicyLoss, PolicyLossInputs, PolicyLossTerms } from "../objectives/types.ts";

/** What an objective of the user's own says of each token: its loss, and where a limit of it took hold. */
export type OwnTerms = Pick<PolicyLossTerms, "perToken"> & Partial<PolicyLossTerms>;

/** A policy loss as a plain function from tensors to tensors, called once for each program that is built. */
export type ObjectiveFunction = (inputs: PolicyLossInputs) => Tensor | OwnTerms;

/** A policy loss that also chooses tokens by itself before each update. */
export interface ObjectiveFunctions extends Pick<PolicyLoss, "select" | "selectionSettings"> {
  terms: ObjectiveFunction;
}

/** A policy loss of the user's own, with its code on record; see {@link Part}. */
export class OwnObjective extends Part implements PolicyLoss {
  /** Those that its function asked for. */
  readonly settings: readonly string[];
  readonly selectionSettings?: readonly string[];
  readonly select?: NonNullable<PolicyLoss["select"]>;
  readonly #terms: ObjectiveFunction;

  /** @throws InvalidInputError for what is no loss of a token: another shape, no way from it to the log-probs. */
  constructor(name: string, { terms, select, selectionSettings = [] }: ObjectiveFunctions, { uses }: PartOptions) {
    super("objective", {
      name,
      functions: select ? { terms, select } : { code: terms },
      uses,
      options: select ? { selectionSettings: [...selectionSettings] } : {},
    });
    this.#terms = terms;
    if (select) {
      this.selectionSettings = selectionSettings;
      this.select = (tokens, settings) => this.#selected(select(tokens, settings), tokens.mask.length);
    }
    this.settings = this.#trace();
  }

  terms(inputs: PolicyLossInputs): PolicyLossTerms {
    const given: unknown = this.#terms(inputs);
    const { perToken, clipped, ratio } = given instanceof Tensor ? { perToken: given } : ((given ?? {}) as OwnTerms);
    const wanted = inputs.logprobs.shape;
    if (!(perToken instanceof Tensor))
      throw this.#refusal(
        given instanceof Promise ? "is asynchronous" : "gave no tensor",
        "Return the loss of each token, or { perToken, clipped }.",
      );
    for (const [what, tensor] of Object.entries({ perToken, clipped, ratio }))
      if (tensor && !sameShape(tensor.shape, wanted))
        throw this.#refusal(
          `gave ${what} the shape ${shapeText(tensor.shape)} for tokens of shape ${shapeText(wanted)}`,
          "It gives one value per token; how they become one number is the setting lossAggregation.",
        );
    if (perToken.dtype === "bool")
      throw this.#refusal("gave true or false as the loss", "toFloat makes numbers of it, which have no gradient.");
    const marks = clipped && (clipped.dtype === "bool" ? toFloat(clipped) : clipped);
    return { perToken, clipped: marks ?? mul(inputs.mask, 0), ...(ratio && { ratio }) };
  }

  /** Builds it once for four tokens: which settings it reads, and whether it leads back to the log-probs. */
  #trace(): string[] {
    const graph = new Graph(`objective ${this.name}`);
    const [array, scalar] = [(name: string) => graph.input(name, [4]), (name: string) => graph.input(name, [])];
    const [logprobs, entropy, mask] = [array("logprobs"), array("entropy"), array("mask")];
    const settings = new Set<string>();
    const traced: PolicyLoss = {
      settings: [],
      terms: (inputs) => {
        const setting = (name: string) => {
          settings.add(name);
          return inputs.setting(name);
        };
        return this.terms({ ...inputs, setting });
      },
    };
    const layout = { batchSize: 2, sequenceLength: 2 };
    const inputs = { graph, logprobs, entropy, mask, normalizer: scalar("normalizer"), layout };
    const { loss } = composeObjective({ loss: traced, entropyBonus: false, weighted: false })(inputs);
    const before = graph.derivations.length;
    grad(loss, [logprobs]);
    const reached = new Set([logprobs]);
    for (const { inputs, outputs } of graph.derivations.slice(0, before))
      if (inputs.some((input) => reached.has(input))) for (const output of outputs) reached.add(output);
    if (!reached.has(loss))
      throw this.#refusal(
        "does not depend on the log-probs of the policy",
        "Nothing could be learnt from it: build it on logprobs or ratio.",
      );
    return [...settings];
  }

  #selected(given: Float32Array, count: number): Float32Array {
    if (given instanceof Float32Array && given.length === count) return given;
    throw this.#refusal(
      `selected ${(given as { length?: number } | undefined)?.length ?? String(given)} tokens' marks for ${count} tokens`,
      "select returns a Float32Array with 1 for each token that is chosen and 0 for the others.",
    );
  }

  #refusal(what: string, hint: string): InvalidInputError {
    return new InvalidInputError(`The objective ${JSON.stringify(this.name)} ${what}.`, hint);
  }
}

/**
 * A policy loss of your own, built of operators of `graph`. What it reads with `setting(name)` are hyperparameters of the
 * trainer, whose change costs no new program. It is tried on four tokens at once, and on the first batch before anything
 * is trained: the gradient must be finite there, also far from ratio 1.
 *
 * @example
 * import { graph, objective } from "cirlab";
 * const myClip = objective("my-clip", ({ ratio, advantages, setting }) => {
 *   const { add, clip, minimum, mul, neg, sub } = graph;
 *   const clipped = clip(ratio, sub(1, setting("clipRatioLow")), add(1, setting("clipRatioHigh")));
 *   return neg(minimum(mul(ratio, advantages), mul(clipped, advantages)));
 * });
 * new Trainer({ ..., policyLoss: myClip });
 * @param loss the function, or `{ terms, select }` for one that chooses tokens by itself.
 * @throws InvalidInputError for what is no loss of a token: another shape, no way from it to the log-probs.
 */
export function objective(
  name: string,
  loss: ObjectiveFunction | ObjectiveFunctions,
  options: PartOptions = {},
): OwnObjective {
  return new OwnObjective(name, typeof loss === "function" ? { terms: loss } : loss, options);
}
