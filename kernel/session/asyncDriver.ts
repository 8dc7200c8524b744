import type { Cells } from "./cells.ts";
import { addAsyncFrame, KernelInterrupt } from "./errors.ts";

/** What the driver hands to a generator in place of a value when the await failed. */
const failure = Symbol("failure");
const then = Promise.prototype.then as (
  this: Promise<unknown>,
  fulfilled: (value: unknown) => void,
  rejected: (error: unknown) => void,
) => void;

type CellGenerator = Generator<unknown, unknown, unknown>;
type GeneratorFunction = (...args: unknown[]) => CellGenerator;

/**
 * Runs the async functions of cells, which the compiler made generators: `await x` is `resumed(yield x)` there. Order
 * and count of microtasks are those of native functions. Unlike a native await, what follows one can be interrupted.
 */
export class AsyncDriver {
  readonly #cells: Cells;
  /** Why the generator that goes on now fails. */
  #error: unknown;

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  /**
   * Calls an async function.
   *
   * @param args an array or `arguments`; null for none.
   * @param body its code.
   */
  call = (self: unknown, args: ArrayLike<unknown> | null, body: GeneratorFunction): Promise<unknown> => {
    const cells = this.#cells;
    const cell = cells.owner();
    return new Promise((resolve, reject) => {
      const generator = Reflect.apply(body, self, args ?? []) as CellGenerator;
      let sent: unknown;
      const step = (): IteratorResult<unknown, unknown> => generator.next(sent);
      const goOn = (): void => {
        let result: IteratorResult<unknown, unknown>;
        try {
          result = cells.guarded(step);
        } catch (error) {
          // Also when SIGINT cut the generator, which stays as it is for ever.
          reject(error);
          return;
        }
        if (result.done) resolve(result.value);
        else wait(result.value);
      };
      const wait = (value: unknown): void => {
        let promise: Promise<unknown>;
        try {
          promise = Promise.resolve(value);
        } catch (error) {
          // A getter named "constructor" threw.
          fail(error);
          return;
        }
        then.call(promise, succeed, fail);
      };
      const succeed = (value: unknown): void => {
        try {
          cells.checkResumption(cell);
        } catch (error) {
          fail(error);
          return;
        }
        sent = value;
        goOn();
      };
      const fail = (error: unknown): void => {
        this.#error = cell?.abandoned ? new KernelInterrupt() : error;
        sent = failure;
        goOn();
      };
      goOn();
    });
  };

  /** Gets what the driver handed in; throws, from the place of the await, what was awaited in vain. */
  resumed = (value: unknown): unknown => {
    if (value !== failure) return value;
    const error = this.#error;
    this.#error = undefined;
    addAsyncFrame(error, this.resumed);
    throw error;
  };

  /** The steps of a `for await`. */
  iteration = (): Iteration => new Iteration();
}

type Iterated = { next?: unknown; return?: unknown };

/** One run of a `for await` loop: `open`, then `next` and `has` for every step, then `close` if it is still open. */
export class Iteration {
  /** The loop must close the iterator if it ends now. */
  isOpen = false;
  /** The value of the present step. */
  value: unknown;
  #iterator: Iterated = {};
  #next: unknown;
  #isSync = false;
  #hasFailed = false;

  open(iterable: unknown): void {
    const source = iterable as Record<symbol, unknown>;
    const makeAsync = source[Symbol.asyncIterator];
    this.#isSync = makeAsync === undefined || makeAsync === null;
    const make = this.#isSync ? source[Symbol.iterator] : makeAsync;
    if (typeof make !== "function") throw new TypeError(`${describe(iterable)} is not async iterable`);
    const iterator: unknown = Reflect.apply(make, iterable, []);
    if (!isObject(iterator)) throw new TypeError(`${describe(iterator)} is not an iterator`);
    this.#iterator = iterator;
    this.#next = this.#iterator.next;
  }

  /** A promise of the next step. */
  next(): unknown {
    this.isOpen = false;
    const result = this.#call(this.#next);
    return this.#isSync ? this.#settled(result, true) : result;
  }

  /** Whether a step is there; its value is `value` then. */
  has(step: unknown): boolean {
    if (!isObject(step)) throw new TypeError(`Iterator result ${describe(step)} is not an object`);
    const { done, value } = step as IteratorResult<unknown>;
    if (done) return false;
    this.isOpen = true;
    this.value = value;
    return true;
  }

  /** The loop's body threw. */
  failed(error: unknown): unknown {
    this.#hasFailed = true;
    return error;
  }

  /** Tells the iterator that no more steps are wanted. An error of the loop's body has precedence over one of this. */
  close(): unknown {
    this.isOpen = false;
    const checked = async () => {
      const end = this.#iterator.return;
      if (end === undefined || end === null) return;
      const result = await this.#call(end);
      if (!isObject(result)) throw new TypeError(`${describe(result)} is not an object`);
      if (this.#isSync) await this.#settled(result, false);
    };
    const closed = checked();
    return this.#hasFailed ? closed.catch(() => undefined) : closed;
  }

  #call(method: unknown): unknown {
    if (typeof method !== "function") throw new TypeError(`${describe(method)} is not a function`);
    return Reflect.apply(method, this.#iterator, []);
  }

  /** A synchronous iterator's step with its value awaited. */
  async #settled(step: unknown, closes: boolean): Promise<unknown> {
    if (!isObject(step)) throw new TypeError(`Iterator result ${describe(step)} is not an object`);
    const { done, value } = step as IteratorResult<unknown>;
    try {
      return { done, value: await value };
    } catch (error) {
      if (closes && !done) (this.#iterator.return as (() => unknown) | undefined)?.();
      throw error;
    }
  }
}

function isObject(value: unknown): value is Iterated {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function describe(value: unknown): string {
  return isObject(value) ? Object.prototype.toString.call(value) : String(value);
}
