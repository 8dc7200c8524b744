import { randomUUID } from "node:crypto";
import { Execution, type ExecutionParts } from "./execution.ts";
import type { Request } from "./sockets.ts";

/**
 * The main shell and the subshells of a kernel. Cells of different shells run beside each other, as asynchronous
 * functions do: one goes on while another awaits. They share all names.
 */
export class Shells {
  readonly #parts: ExecutionParts;
  readonly #main: Execution;
  readonly #subshells = new Map<string, Execution>();

  constructor(parts: ExecutionParts) {
    this.#parts = parts;
    this.#main = new Execution(parts);
  }

  /** The request whose cell runs now: the main shell's, else one of a subshell. */
  get running(): Request | undefined {
    return [this.#main, ...this.#subshells.values()].find(({ running }) => running)?.running;
  }

  /** Queues an execute request in the shell that its header names. */
  add(request: Request): void {
    const id = request.message.header.subshell_id;
    const shell = typeof id === "string" ? this.#subshells.get(id) : this.#main;
    if (shell) {
      shell.add(request);
      return;
    }
    this.#parts.sockets.reply(request, "execute_reply", {
      status: "error",
      ename: "KernelError",
      evalue: unknown(id),
      traceback: [unknown(id)],
      execution_count: this.#parts.counter.count,
    });
  }

  /** Interrupts the main shell's cell, else those of the subshells. */
  interrupt(): void {
    const busy = this.#main.running ? [] : [...this.#subshells.values()].filter(({ running }) => running);
    for (const shell of busy.length > 0 ? busy : [this.#main]) shell.interrupt();
  }

  create(): string {
    const id = randomUUID();
    this.#subshells.set(id, new Execution(this.#parts, id));
    return id;
  }

  /** Ends a subshell: its running cell goes on, cells that wait in it are aborted. */
  delete(id: unknown): void {
    const shell = typeof id === "string" ? this.#subshells.get(id) : undefined;
    if (!shell) throw new Error(unknown(id));
    shell.abort();
    this.#subshells.delete(id as string);
  }

  list(): string[] {
    return [...this.#subshells.keys()];
  }
}

const unknown = (id: unknown): string => `There is no subshell ${JSON.stringify(id)}.`;
