import { InterruptedError } from "../base/errors.ts";
import { host } from "./host.ts";

/** Aborted when the running cell is interrupted; undefined outside of a notebook. */
export function signal(): AbortSignal | undefined {
  return host()?.signal();
}

/** Whether the running cell is interrupted; unlike {@link signal}, asking gives the cell no time to end. */
export function isInterrupted(): boolean {
  return host()?.isInterrupted() ?? false;
}

/**
 * A safe point: ends the work here if the user interrupted it.
 *
 * @param abort default: the running cell's signal.
 * @throws InterruptedError
 */
export function throwIfInterrupted(abort: AbortSignal | undefined = signal()): void {
  if (abort?.aborted) throw new InterruptedError(undefined, undefined, abort.reason);
}

/** Runs code that an interrupt must not cut in the middle; the interrupt waits for it (2 s at most). */
export function shield<T>(run: () => T): T {
  const notebook = host();
  return notebook ? notebook.shield(run) : run();
}

/**
 * Makes `%%name args` at the top of a cell call `run(body, args)`.
 *
 * @returns whether there is a notebook to register it with.
 */
export function registerMagic(name: string, run: (body: string, args: string) => unknown): boolean {
  const notebook = host();
  notebook?.registerMagic(name, run);
  return notebook !== undefined;
}

/**
 * Starts work that goes on after the cell: its output stays under the cell, and an interrupt does not reach it.
 * Outside of a notebook it just starts.
 */
export function inBackground<T>(work: () => Promise<T>): Promise<T> {
  const notebook = host();
  if (!notebook) return work();
  return new Promise((resolve, reject) => notebook.bind(() => void work().then(resolve, reject))());
}

/** The running cell does not end before `work` has. */
export function holdCell(work: Promise<unknown>): void {
  host()?.hold(work);
}
