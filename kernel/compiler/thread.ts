import { Worker } from "node:worker_threads";
import { siblingModule } from "../package.ts";
import type { CellCompiler, Completeness, Completion, Conversion, Inspection } from "./cellCompiler.ts";

type Method = "convert" | "commit" | "complete" | "inspect" | "isComplete" | "reset";
type Call = { [M in Method]: { method: M; args: Parameters<CellCompiler[M]> } }[Method];
export type CompilerRequest = { id: number } & Call;
export type CompilerReply = { id: number; value?: unknown; error?: string };

/** A `CellCompiler` in a thread of its own. Requests are answered in order. */
export class CompilerThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #lastId = 0;
  #failure: Error | undefined;

  /** @param onFailure told once if the thread dies; every request fails from then on. */
  constructor(onFailure: (error: Error) => void) {
    this.#worker = new Worker(siblingModule(import.meta.url, "./worker"));
    this.#worker.on("message", (reply: CompilerReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.error !== undefined) waiting?.reject(new Error(`The compiler failed: ${reply.error}`));
      else waiting?.resolve(reply.value);
    });
    this.#worker.on("error", (error) => {
      this.#failure = new Error(`The compiler's thread ended: ${error.message}`);
      for (const { reject } of this.#waiting.values()) reject(this.#failure);
      this.#waiting.clear();
      onFailure(this.#failure);
    });
  }

  convert(code: string): Promise<Conversion> {
    return this.#ask({ method: "convert", args: [code] });
  }
  commit(defined: readonly string[]): Promise<void> {
    return this.#ask({ method: "commit", args: [defined] });
  }
  complete(code: string, offset: number): Promise<Completion> {
    return this.#ask({ method: "complete", args: [code, offset] });
  }
  inspect(code: string, offset: number): Promise<Inspection | undefined> {
    return this.#ask({ method: "inspect", args: [code, offset] });
  }
  isComplete(code: string): Promise<Completeness> {
    return this.#ask({ method: "isComplete", args: [code] });
  }
  reset(): Promise<void> {
    return this.#ask({ method: "reset", args: [] });
  }

  close(): Promise<number> {
    return this.#worker.terminate();
  }

  #ask<T>(call: Call): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, ...call });
    });
  }
}
