import { InvalidInputError } from "../base/errors.ts";

/** How the next token is drawn from a distribution. */
export interface SamplingOptions {
  /** Logits are divided by it; 0 takes the most likely token. Default 1. */
  temperature?: number;
  /** Only the smallest set of tokens with at least this probability is sampled from. In (0, 1], default 1. */
  topP?: number;
}

/** Fills in defaults and refuses values that mean nothing. */
export function checkSampling(options: SamplingOptions): Required<SamplingOptions> {
  const { temperature = 1, topP = 1 } = options;
  if (!(temperature >= 0) || !Number.isFinite(temperature))
    throw new InvalidInputError(`temperature must be a number of at least 0, was ${temperature}.`);
  if (!(topP > 0 && topP <= 1)) throw new InvalidInputError(`topP must be above 0 and at most 1, was ${topP}.`);
  return { temperature, topP };
}

/** What the decode graph multiplies logits by; greedy decoding reports log-probs at temperature 1. */
export function inverseTemperature(temperature: number): number {
  return temperature === 0 ? 1 : 1 / temperature;
}

/**
 * Draws a token by inverting the cumulative distribution at `uniform`, in vocabulary order.
 *
 * @param logprobs log-probabilities of the whole vocabulary, shape [vocabSize].
 * @param uniform noise in [0, 1); the same noise and distribution give the same token.
 */
export function sampleToken(logprobs: Float32Array, uniform: number, options: Required<SamplingOptions>): number {
  if (options.temperature === 0) return argmax(logprobs);
  const allowed = options.topP < 1 ? nucleus(logprobs, options.topP) : undefined;
  let total = 0;
  for (let id = 0; id < logprobs.length; id++) if (!allowed || allowed[id]) total += Math.exp(logprobs[id]!);
  const target = uniform * total;
  let reached = 0;
  let last = 0;
  for (let id = 0; id < logprobs.length; id++) {
    if (allowed && !allowed[id]) continue;
    reached += Math.exp(logprobs[id]!);
    last = id;
    if (reached > target) return id;
  }
  return last;
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Marks the most likely tokens whose probabilities first reach `topP` together. */
function nucleus(logprobs: Float32Array, topP: number): Uint8Array {
  const order = Array.from(logprobs.keys()).sort((a, b) => logprobs[b]! - logprobs[a]! || a - b);
  const allowed = new Uint8Array(logprobs.length);
  let reached = 0;
  for (const id of order) {
    allowed[id] = 1;
    reached += Math.exp(logprobs[id]!);
    if (reached >= topP) break;
  }
  return allowed;
}
