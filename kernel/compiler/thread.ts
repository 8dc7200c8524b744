import { type MessagePort, Worker } from "node:worker_threads";

interface Call {
  id: number;
  method: string;
  args: unknown[];
}
interface Reply {
  id: number;
  value?: unknown;
  error?: string;
}

const prepared = new Map<string, Worker>();

/** Starts the thread of `url` before anybody calls it. */
export function prepareThread(url: URL): void {
  prepared.set(url.href, start(url));
}

/** Ends prepared threads that nobody took. */
export async function dropThreads(): Promise<void> {
  const dropped = [...prepared.values()];
  prepared.clear();
  await Promise.all(dropped.map((worker) => worker.terminate()));
}

function start(url: URL): Worker {
  // Much of what a compiler makes is soon garbage: a small nursery keeps the process small.
  return new Worker(url, { resourceLimits: { maxYoungGenerationSizeMb: 8 } });
}

/** An object in a thread of its own, which starts with the first call. Calls are answered in order. */
export class Thread<T extends { [M in keyof T]: (...args: never[]) => unknown }> {
  readonly #url: URL;
  readonly #onFailure: (error: Error) => void;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #worker: Worker | undefined;
  #lastId = 0;
  #isClosed = false;

  /** @param onFailure told if the thread dies; a new one starts with the next call. */
  constructor(url: URL, onFailure: (error: Error) => void) {
    this.#url = url;
    this.#onFailure = onFailure;
  }

  get isStarted(): boolean {
    return this.#worker !== undefined;
  }

  call<M extends keyof T & string>(method: M, ...args: Parameters<T[M]>): Promise<Awaited<ReturnType<T[M]>>> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new Error("The compiler is closed."));
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker ??= this.#start();
      this.#worker.postMessage({ id, method, args } satisfies Call);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = prepared.get(this.#url.href) ?? start(this.#url);
    prepared.delete(this.#url.href);
    worker.on("message", (reply: Reply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.error !== undefined) waiting?.reject(new Error(`The compiler failed: ${reply.error}`));
      else waiting?.resolve(reply.value);
    });
    worker.on("error", (error) => {
      this.#worker = undefined;
      const failure = new Error(`The compiler's thread ended: ${error.message}`);
      for (const { reject } of this.#waiting.values()) reject(failure);
      this.#waiting.clear();
      this.#onFailure(failure);
    });
    return worker;
  }
}

/** Answers the calls of a `Thread`, one after the other. */
export function serve<T extends { [M in keyof T]: (...args: never[]) => unknown }>(port: MessagePort, target: T): void {
  const answer = async ({ id, method, args }: Call): Promise<Reply> => {
    try {
      const called = target[method as keyof T] as unknown as (...args: unknown[]) => unknown;
      return { id, value: await called.apply(target, args) };
    } catch (error) {
      return { id, error: (error as Error).stack ?? String(error) };
    }
  };
  let last: Promise<void> = Promise.resolve();
  port.on("message", (call: Call) => {
    last = last.then(async () => port.postMessage(await answer(call)));
  });
}
