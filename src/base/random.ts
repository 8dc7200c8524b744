/**
 * Random numbers by counter: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * A number depends on its key and counter alone, so streams are independent, resumable, and a row of a batch draws the
 * same noise whatever its neighbours do.
 */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High 32 bits of the unsigned 64-bit product. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

/** One Philox4x32-10 block: four 32-bit words for a 128-bit counter under a 64-bit key. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(M0, c0 >>> 0);
    const low0 = Math.imul(M0, c0) >>> 0;
    const high1 = multiplyHigh(M1, c2 >>> 0);
    const low1 = Math.imul(M1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** A 32-bit FNV-1a hash of a stream's name. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

const toUnit = (high: number, low: number): number => ((high >>> 5) * 67108864 + (low >>> 6)) / 9007199254740992;

/** Uniform noise in [0, 1) that depends only on the seed, the stream's name and up to four counters. */
export function uniformAt(seed: number, name: string, a: number, b = 0, c = 0, d = 0): number {
  const block = philox([a >>> 0, b >>> 0, c >>> 0, d >>> 0], [seed >>> 0, hashName(name)]);
  return toUnit(block[0], block[1]);
}

/**
 * A stream of random numbers. Its whole state is one number, `position`: saving and setting it resumes the stream.
 *
 * @example
 * const stream = new RandomStream(80, "tasks");
 * stream.integer(1, 6);
 */
export class RandomStream {
  readonly seed: number;
  readonly name: string;
  /** How many numbers were drawn. */
  position = 0;
  readonly #key: [number, number];
  readonly #keys: readonly [number, number, number];

  /** @param keys up to three whole numbers that select a sub-stream. */
  constructor(seed: number, name: string, ...keys: number[]) {
    this.seed = seed;
    this.name = name;
    this.#key = [seed >>> 0, hashName(name)];
    this.#keys = [keys[0] ?? 0, keys[1] ?? 0, keys[2] ?? 0];
  }

  /** Uniform in [0, 1), 53 bits. */
  next(): number {
    const block = philox([this.position++ >>> 0, ...this.#keys], this.#key);
    return toUnit(block[0], block[1]);
  }

  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** Standard normal (Box-Muller, cosine half). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  /** One item, all equally likely. */
  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)] as T;
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
    }
    return copy;
  }
}
