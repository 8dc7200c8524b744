import { rowsOf, type StepRows } from "../../../../src/display/rollout-rows.ts";
import type { RolloutView } from "../../../../src/display/rollout-view.ts";

/** Where a viewer has its rollouts from. */
export interface RolloutSource {
  rows(): Promise<StepRows>;
  /** Rollouts in full, by their place. */
  full(indices: readonly number[]): Promise<readonly RolloutView[]>;
  /** Places of those whose prompt or text holds something. @throws for an expression that is none, or takes too long. */
  search(text: string, isRegex: boolean): Promise<readonly number[]>;
}

const searchMs = 1000;

/** Rollouts that came whole with an output. */
export class GivenRollouts implements RolloutSource {
  readonly #rollouts: readonly RolloutView[];

  constructor(rollouts: readonly RolloutView[]) {
    this.#rollouts = rollouts;
  }

  async rows(): Promise<StepRows> {
    return rowsOf(this.#rollouts);
  }

  async full(indices: readonly number[]): Promise<readonly RolloutView[]> {
    return indices.map((index) => this.#rollouts[index]!);
  }

  async search(text: string, isRegex: boolean): Promise<readonly number[]> {
    const texts = this.#rollouts.map(({ task, texts }) => [task.prompt, texts.join("")]);
    if (isRegex) return searchInWorker(text, texts);
    const wanted = text.toLowerCase();
    return texts.flatMap((parts, i) => (parts.some((part) => part.toLowerCase().includes(wanted)) ? [i] : []));
  }
}

/** Some expressions take for ever: a worker can be ended, the page cannot. */
const workerCode = `onmessage = ({ data: { pattern, texts } }) => {
  const regex = new RegExp(pattern, "iu");
  postMessage(texts.flatMap((parts, i) => (parts.some((part) => regex.test(part)) ? [i] : [])));
};`;

async function searchInWorker(pattern: string, texts: readonly (readonly string[])[]): Promise<readonly number[]> {
  new RegExp(pattern, "iu"); // Says what is wrong with it.
  const address = URL.createObjectURL(new Blob([workerCode], { type: "text/javascript" }));
  const worker = new Worker(address);
  try {
    return await new Promise<readonly number[]>((resolve, reject) => {
      setTimeout(
        () => reject(new Error(`The search took longer than ${searchMs / 1000} s and was given up.`)),
        searchMs,
      );
      worker.onmessage = ({ data }) => resolve(data as number[]);
      worker.onerror = () => reject(new Error("This page does not allow searches with regular expressions."));
      worker.postMessage({ pattern, texts });
    });
  } finally {
    worker.terminate();
    URL.revokeObjectURL(address);
  }
}

/** Where a text stands in another, whatever the letters' case. */
export function occurrences(wanted: string): (text: string) => [number, number][] {
  if (!wanted) return () => [];
  const lower = wanted.toLowerCase();
  return (text) => {
    const found: [number, number][] = [];
    const where = text.toLowerCase();
    for (let at = where.indexOf(lower); at >= 0; at = where.indexOf(lower, at + lower.length))
      found.push([at, at + lower.length]);
    return found;
  };
}
