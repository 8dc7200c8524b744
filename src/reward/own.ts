import { InvalidInputError } from "../base/errors.ts";
import { Part, type PartOptions } from "../parts/index.ts";
import type { Reward, RewardInput, RewardResult } from "./types.ts";

/** What a reward of the user's own gives for a response: `reward`, any finite number, and whether the answer is right. */
export type RewardVerdict = Omit<RewardResult, "detail"> & Partial<Pick<RewardResult, "detail">>;

/** A reward as a plain function. It may be asynchronous. */
export type RewardFunction = (input: RewardInput) => RewardVerdict | Promise<RewardVerdict>;

/** A reward of the user's own, with its code on record; see {@link Part}. */
export class OwnReward extends Part implements Reward {
  readonly #score: RewardFunction;

  /** @param code the function that is recorded, where it is not `score` itself. */
  constructor(name: string, score: RewardFunction, { uses }: PartOptions = {}, code: object = score) {
    super("reward", { name, functions: { code }, uses });
    this.#score = score;
  }

  async score(input: RewardInput): Promise<RewardResult> {
    const given: unknown = await this.#score(input);
    const { reward, correct, detail = {} } = (given ?? {}) as Partial<RewardResult>;
    const problem =
      typeof given !== "object" || given === null
        ? `gave ${shown(given)} instead of { reward, correct }`
        : typeof reward !== "number" || !Number.isFinite(reward)
          ? `gave the reward ${shown(reward)}, which is not a finite number`
          : typeof correct !== "boolean"
            ? `gave ${shown(correct)} for correct, which is neither true nor false`
            : unwritable(given);
    if (problem)
      throw new InvalidInputError(
        `The reward ${JSON.stringify(this.name)} ${problem}, for the answer ${JSON.stringify(input.task.answer)} and the text ${JSON.stringify(tail(input.text))}.`,
        "Return { reward: number, correct: boolean } for every response.",
      );
    return { ...(given as RewardResult), detail };
  }
}

/**
 * A reward of your own. It sees the task, what the policy itself wrote (`text`), what its tools answered (`toolText`),
 * the step and the length in tokens, and is recorded with the run; see {@link Part} for what that covers.
 *
 * @example
 * const lengthAware = reward("length-aware", ({ task, text, tokens = 0 }) => {
 *   const correct = text.includes(`\\boxed{${task.answer}}`);
 *   return { reward: (correct ? 1 : -1) - tokens / 1000, correct };
 * });
 * @throws InvalidInputError for a name that cannot be one, and code that cannot be read.
 */
export function reward(name: string, score: RewardFunction, options: PartOptions = {}): OwnReward {
  return new OwnReward(name, score, options);
}

/** The rewards that the lab made: their code is the lab's. */
const ofTheLab = new WeakSet<object>();
const wrapped = new WeakMap<object, OwnReward>();

/** Marks what functions make as the lab's own. */
export function madeByTheLab<T extends Readonly<Record<string, (...args: never[]) => Reward>>>(makers: T): T {
  const marked = Object.entries(makers).map(([name, make]) => [
    name,
    (...args: never[]) => {
      const made = make(...args);
      ofTheLab.add(made);
      return made;
    },
  ]);
  return Object.fromEntries(marked) as T;
}

/** A reward as it was given: made by the lab, with {@link reward}, a plain named function, or an object with `score`. */
export type RewardLike = Reward | RewardFunction;

/**
 * A reward whose code is on record, unless it is the lab's.
 *
 * @throws InvalidInputError for what is no reward.
 */
export function asReward(given: RewardLike): Reward {
  if (given instanceof OwnReward || ofTheLab.has(given)) return given as Reward;
  const known = wrapped.get(given);
  if (known) return known;
  const isFunction = typeof given === "function";
  if (!isFunction && typeof (given as Partial<Reward> | undefined)?.score !== "function")
    throw new InvalidInputError(
      `${shown(given)} is no reward.`,
      "Give one of rewards, or a function that returns { reward, correct }.",
    );
  const made = isFunction
    ? reward(given.name, given)
    : new OwnReward(given.name, (input) => given.score(input), {}, given.score);
  wrapped.set(given, made);
  return made;
}

/** The parts of the user's own in a reward: itself, or the terms of a sum. */
export function ownRewards(given: Reward): OwnReward[] {
  if (given instanceof OwnReward) return [given];
  return (given.terms ?? []).flatMap(ownRewards);
}

/** What of a result cannot be recorded, in words; undefined where all can. */
function unwritable(result: object): string | undefined {
  try {
    JSON.stringify(result);
    return undefined;
  } catch (error) {
    return `gave something that cannot be recorded as JSON (${(error as Error).message.split("\n")[0]})`;
  }
}

const shown = (value: unknown): string =>
  typeof value === "number" || value === undefined
    ? String(value)
    : (JSON.stringify(value) ?? String(value)).slice(0, 80);
const tail = (text: string): string => (text.length > 120 ? `…${text.slice(-120)}` : text);
