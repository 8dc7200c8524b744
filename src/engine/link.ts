import { Worker } from "node:worker_threads";
import { InfrastructureError, InvalidInputError } from "../base/errors.ts";
import { siblingModule } from "../base/modules.ts";
import type { ReplyMessage, RequestKind, Requests, WorkerGreeting, WorkerOptions } from "./protocol.ts";

interface Pending {
  readonly what: string;
  resolve(reply: unknown): void;
  reject(error: Error): void;
}

/** The calling thread's end of one worker: posts requests, matches replies, and fails them all when the worker dies. */
export class WorkerLink {
  /** Settles when the worker can take requests, or cannot start. */
  readonly ready: Promise<WorkerGreeting>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #closing: Promise<void> | undefined;
  #failure: InfrastructureError | undefined;

  constructor(options: WorkerOptions) {
    this.#worker = new Worker(siblingModule(import.meta.url, "./worker"), { workerData: options, name: "engine" });
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", () => resolve());
    });
    this.ready = new Promise((resolve, reject) => {
      this.#pending.set(0, { what: "Starting the engine", resolve: resolve as Pending["resolve"], reject });
    });
    this.#worker.once("message", (greeting: WorkerGreeting) => {
      this.#settle(0, (pending) => pending.resolve(greeting));
      this.#worker.on("message", (message: ReplyMessage) => this.#receive(message));
    });
    this.#worker.once("error", (error) => this.#fail(error instanceof Error ? error.message : String(error), error));
    this.#worker.once("messageerror", (error) => this.#fail("a reply of its worker cannot be read", error));
    this.#worker.once("exit", () => this.#fail("its worker thread ended"));
  }

  /** Whether the worker is gone for good. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * @param what names the request in errors, for example `Program "step"`.
   * @throws InfrastructureError when it fails in the runtime or the worker dies.
   */
  request<K extends RequestKind>(kind: K, body: Requests[K]["send"], what: string): Promise<Requests[K]["reply"]> {
    if (this.#closing)
      return Promise.reject(new InvalidInputError(`${what}: the engine is closed.`, "Start another one."));
    if (this.#failure) return Promise.reject(this.#failure);
    return this.#post(kind, body, what);
  }

  /** Lets the requests under way finish, then ends the worker. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    if (!this.#failure) await this.#post("close", {}, "Closing the engine");
    this.#worker.ref();
    await this.#exited;
  }

  #post<K extends RequestKind>(kind: K, body: Requests[K]["send"], what: string): Promise<Requests[K]["reply"]> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#worker.postMessage({ id, kind, body });
      // Work under way keeps the process alive; an idle engine does not.
      if (this.#pending.size === 0) this.#worker.ref();
      this.#pending.set(id, { what, resolve: resolve as Pending["resolve"], reject });
    });
  }

  #receive(message: ReplyMessage): void {
    this.#settle(message.id, (pending) => {
      if ("error" in message) pending.reject(new InfrastructureError(`${pending.what} failed: ${message.error}`));
      else pending.resolve(message.reply);
    });
  }

  #settle(id: number, settle: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
    settle(pending);
  }

  #fail(reason: string, cause?: unknown): void {
    this.#failure ??= new InfrastructureError(
      `The engine stopped: ${reason}.`,
      "Its buffers are lost; start another one and load a checkpoint.",
      cause,
    );
    for (const [id, { what }] of this.#pending) {
      const error = new InfrastructureError(`${what} failed because the engine stopped: ${reason}.`, undefined, cause);
      this.#settle(id, (pending) => pending.reject(error));
    }
    void this.#worker.terminate(); // its state is unknown, if it still runs at all
  }
}
