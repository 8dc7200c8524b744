import { InvalidInputError } from "../base/errors.ts";
import type { BufferPrefix, EngineApi, EngineBuffer, Program, RowUpdate } from "../engine/types.ts";
import type { DecoderConfig } from "../nn/index.ts";

/** Row counts that decode programs are built for; a batch uses the smallest that holds its live sequences. */
const buckets = [8, 32, 64, 128, 256];

/** A sequence inside a decoder: one row of the key-value cache. */
export interface Sequence {
  /** Row in the cache; changes when the batch is compacted. */
  slot: number;
  /** Tokens fed so far. */
  position: number;
}

/** One token for one sequence. */
export interface Feed {
  readonly sequence: Sequence;
  readonly token: number;
}

/** What the policy says about the token after each fed one. */
export interface NextTokens {
  /** Log-probabilities over the vocabulary for feed `i`, shape [vocabSize]; valid until the next step. */
  logprobs(i: number): Float32Array;
  /** Entropy of that distribution in nats. */
  entropy(i: number): number;
}

/** What a decoder needs of a policy. */
export interface DecoderModel {
  readonly engine: EngineApi;
  readonly config: DecoderConfig;
  readonly parameters: Readonly<Record<string, EngineBuffer>>;
  decodeProgram(rows: number): Promise<Program>;
}

/**
 * Continuous batched decoding with a key-value cache. Every sequence stands at its own position, so prompts, tool
 * outputs and sampled tokens of different rollouts go through the same steps, and a sequence that waits for a tool
 * simply is not fed. A row's result depends on its own tokens alone.
 */
export class BatchDecoder {
  readonly capacity: number;
  readonly #model: DecoderModel;
  readonly #caches: Record<string, EngineBuffer>;
  readonly #rows: (Sequence | undefined)[];
  #bucket: number;

  private constructor(model: DecoderModel, capacity: number, caches: Record<string, EngineBuffer>) {
    this.#model = model;
    this.capacity = capacity;
    this.#caches = caches;
    this.#rows = new Array(capacity).fill(undefined);
    this.#bucket = capacity;
  }

  /** @param sequences how many sequences are alive at once at the most. */
  static async start(model: DecoderModel, sequences: number): Promise<BatchDecoder> {
    const capacity = buckets.find((rows) => rows >= sequences);
    if (!capacity || sequences < 1)
      throw new InvalidInputError(`A decoder holds 1 to ${buckets.at(-1)} sequences, not ${sequences}.`);
    const { numLayers, numKeyValueHeads, maxLength, headDim } = model.config;
    const caches: Record<string, EngineBuffer> = {};
    for (let layer = 0; layer < numLayers; layer++)
      for (const kind of ["k", "v"])
        caches[`${kind}.${layer}`] = await model.engine.createBuffer({
          dtype: "float32",
          shape: [capacity, numKeyValueHeads, maxLength, headDim],
        });
    return new BatchDecoder(model, capacity, caches);
  }

  /** Takes a free row for a new sequence. */
  add(): Sequence {
    const slot = this.#rows.indexOf(undefined);
    if (slot < 0) throw new InvalidInputError(`The decoder's ${this.capacity} rows are all taken.`);
    const sequence = { slot, position: 0 };
    this.#rows[slot] = sequence;
    this.#bucket = Math.max(this.#bucket, buckets.find((rows) => rows > slot) ?? this.capacity);
    return sequence;
  }

  /** Gives a sequence's row back. */
  remove(sequence: Sequence): void {
    if (this.#rows[sequence.slot] === sequence) this.#rows[sequence.slot] = undefined;
  }

  /**
   * Feeds one token to each of the given sequences and says what comes next.
   *
   * @param inverseTemperature what logits are multiplied by. Default 1.
   */
  async step(feeds: readonly Feed[], inverseTemperature = 1): Promise<NextTokens> {
    const { config, parameters } = this.#model;
    await this.#compact();
    const rows = this.#bucket;
    const ids = new Int32Array(rows);
    const positions = new Int32Array(rows);
    const updates = new Int32Array(rows).fill(-1);
    for (const { sequence, token } of feeds) {
      if (sequence.position >= config.maxLength)
        throw new InvalidInputError(`A sequence is longer than the policy's ${config.maxLength} positions.`);
      ids[sequence.slot] = token;
      positions[sequence.slot] = sequence.position;
      updates[sequence.slot] = sequence.position;
      sequence.position++;
    }
    const slots = feeds.map(({ sequence }) => sequence.slot);
    const program = await this.#model.decodeProgram(rows);
    const caches: Record<string, BufferPrefix> = {};
    const updateRows: RowUpdate[] = [];
    for (const [name, buffer] of Object.entries(this.#caches)) {
      caches[name] = { buffer, rows };
      updateRows.push({ output: `new${name[0]!.toUpperCase()}${name.slice(1)}`, into: buffer, positions: updates });
    }
    const outputs = await program.run({
      inputs: {
        ...parameters,
        ...caches,
        ids: { dtype: "int32", shape: [rows], data: ids },
        positions: { dtype: "int32", shape: [rows], data: positions },
        inverseTemperature: { dtype: "float32", shape: [], data: Float32Array.of(inverseTemperature) },
      },
      fetch: ["logprobs", "entropy"],
      updateRows,
    });
    const logprobs = outputs.logprobs!.data as Float32Array;
    const entropy = outputs.entropy!.data as Float32Array;
    const { vocabSize } = config;
    return {
      logprobs: (i) => logprobs.subarray(slots[i]! * vocabSize, (slots[i]! + 1) * vocabSize),
      entropy: (i) => entropy[slots[i]!]!,
    };
  }

  async close(): Promise<void> {
    await this.#model.engine.dispose(Object.values(this.#caches));
  }

  /** Moves live rows together once they fit a smaller program. */
  async #compact(): Promise<void> {
    const live = this.#rows.filter((row) => row !== undefined);
    const bucket = buckets.find((rows) => rows >= live.length) ?? this.capacity;
    if (bucket >= this.#bucket) return;
    const high = live.filter((row) => row.slot >= bucket);
    const from = Int32Array.from(high, (row) => row.slot);
    const free: number[] = [];
    for (let slot = 0; slot < bucket && free.length < high.length; slot++) if (!this.#rows[slot]) free.push(slot);
    const to = Int32Array.from(free);
    if (high.length)
      await Promise.all(Object.values(this.#caches).map((cache) => this.#model.engine.moveRows(cache, from, to)));
    high.forEach((row, i) => {
      this.#rows[row.slot] = undefined;
      row.slot = free[i]!;
      this.#rows[row.slot] = row;
    });
    this.#bucket = bucket;
  }
}
