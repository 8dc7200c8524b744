import type { BrowseAnswers, BrowseQuestion } from "../../../../src/live/browse/browser.ts";
import type { RolloutSource } from "../rollouts/source.ts";

export type { CheckpointRow, RunDetails, RunRow } from "../../../../src/live/browse/catalogue.ts";

type Question<W extends BrowseQuestion["what"]> = Extract<BrowseQuestion, { what: W }>;

/** Whom a page asks for recorded runs: its server, or the kernel of a notebook. */
export interface RunReader {
  /** @throws Error with the other side's own words. */
  ask<W extends BrowseQuestion["what"]>(question: Question<W>): Promise<BrowseAnswers[W]>;
  /** Removes a run that nobody trains; absent where runs are only looked at. @throws Error with the reason. */
  remove?(path: string): Promise<void>;
}

let reader: RunReader | undefined;

/** Whom the page asks; to be said once. */
export function readRunsFrom(given: RunReader): void {
  reader = given;
}

function theReader(): RunReader {
  if (!reader) throw new Error("This page has nobody to ask for runs.");
  return reader;
}

/** Recorded runs. */
export const runs = {
  list: () => theReader().ask({ what: "list" }),
  details: (path: string) => theReader().ask({ what: "run", path }),
  get remove(): ((path: string) => Promise<void>) | undefined {
    const { remove } = theReader();
    return remove && ((path) => remove.call(reader, path));
  },
};

/** A message of a few hundred kilobytes. */
const rowsAtATime = 1000;

/** The rollouts of a recorded step. */
export function recordedStep(path: string, step: number): RolloutSource {
  return {
    async rows() {
      const page = (offset: number) => theReader().ask({ what: "rollouts", path, step, offset, limit: rowsAtATime });
      const { total, figures, rows } = await page(0);
      const all = [...rows];
      while (all.length < total) {
        const next = (await page(all.length)).rows;
        if (!next.length) break; // The step was recorded anew, and has fewer.
        all.push(...next);
      }
      return { rows: all, figures };
    },
    async full(indices) {
      return (await theReader().ask({ what: "full", path, step, indices: [...indices] })).rollouts;
    },
    async search(text, isRegex) {
      return (await theReader().ask({ what: "search", path, step, text, isRegex })).places;
    },
  };
}
