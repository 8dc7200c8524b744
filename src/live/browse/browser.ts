import { join, relative, resolve, sep } from "node:path";
import { z } from "zod";
import { parseInput } from "../../base/schema.ts";
import type { RolloutView, StepRows } from "../../recording/index.ts";
import { findRuns, isRun } from "../find-runs.ts";
import { RunCatalogue, type RunDetails, type RunRow } from "./catalogue.ts";
import { BrowseError } from "./errors.ts";
import { RecordedSteps } from "./recorded-steps.ts";

/** All runs below a folder. */
export interface RunList {
  /** Newest first, damaged ones last. */
  readonly runs: readonly RunRow[];
  /** The folder holds too many folders to have looked through all of them. */
  readonly isIncomplete: boolean;
}

/** A part of a step's rollouts, in rows. */
export interface StepPage extends StepRows {
  readonly step: number;
  /** Rows of the step in all. */
  readonly total: number;
}

/** Rollouts that one question may ask for in full: a large group. */
const maxInFull = 256;

const path = z.string("path of the run's folder is missing");
const count = z.int().min(0).max(999_999_999);
const inStep = { path, step: count };

/** What a page asks of recorded runs; a run is named by its folder's path below the root. */
export const browseSchema = z.discriminatedUnion("what", [
  z.object({ what: z.literal("list") }),
  /** One: configuration, metrics, events, checkpoints. `points`: about how many steps the metrics hold, 2 to 5000. */
  z.object({ what: z.literal("run"), path, points: count.default(600) }),
  /** Rows of a step's rollouts. */
  z.object({ what: z.literal("rollouts"), ...inStep, offset: count.default(0), limit: count.default(1000) }),
  /** Some in full, by their place. */
  z.object({ what: z.literal("full"), ...inStep, indices: z.array(count).min(1).max(maxInFull) }),
  /** Places of those that hold a text. */
  z.object({ what: z.literal("search"), ...inStep, text: z.string().min(1).max(1000), isRegex: z.boolean() }),
]);

export type BrowseQuestion = z.input<typeof browseSchema>;

/** The answers, by what was asked. */
export interface BrowseAnswers {
  list: RunList;
  run: RunDetails;
  rollouts: StepPage;
  full: { rollouts: readonly RolloutView[] };
  search: { places: readonly number[] };
}

/** Where a run's folder is on disk. @throws for a path that is no run's. */
type Locate = (path: string, step?: number) => Promise<string>;

/** Recorded runs below a folder, to look at; nothing is written. */
export class RunBrowser {
  readonly #root: string;
  readonly #locate: Locate;
  readonly #catalogue = new RunCatalogue();
  readonly #steps = new RecordedSteps();

  /** @param locate default: any path below the folder. */
  constructor(root: string, locate: Locate = locateBelow(root)) {
    this.#root = root;
    this.#locate = locate;
  }

  /** @throws InvalidInputError for a question that is none, BrowseError for one that cannot be answered. */
  async ask(question: unknown): Promise<BrowseAnswers[keyof BrowseAnswers]> {
    const asked = parseInput(browseSchema, question, "request for runs");
    if (asked.what === "list") return this.#list();
    if (asked.what === "run") {
      const folder = await this.#locate(asked.path);
      return this.#catalogue.details(folder, asked.path, Math.min(Math.max(asked.points, 2), 5000));
    }
    const { step } = asked;
    const folder = await this.#locate(asked.path, step);
    if (asked.what === "rollouts") {
      const { rows, figures } = await this.#steps.rows(folder, step);
      return { step, total: rows.length, figures, rows: rows.slice(asked.offset, asked.offset + asked.limit) };
    }
    if (asked.what === "search") return { places: await this.#steps.search(folder, step, asked.text, asked.isRegex) };
    const rollouts = await this.#steps.rollouts(folder, step, asked.indices);
    if (rollouts.length < asked.indices.length)
      throw new BrowseError("not-found", `Step ${step} has no rollout ${Math.max(...asked.indices)}.`);
    return { rollouts };
  }

  /** Forgets a run that was removed. */
  forget(folder: string): void {
    this.#catalogue.forget(folder);
  }

  close(): Promise<void> {
    return this.#steps.close();
  }

  async #list(): Promise<RunList> {
    const found = await findRuns(this.#root);
    const rows = found.paths.map(async (one) => this.#catalogue.row(join(this.#root, one), one));
    // One that was removed in the meantime is not listed.
    const runs = (await Promise.allSettled(rows)).flatMap((row) => (row.status === "fulfilled" ? [row.value] : []));
    const created = ({ createdAt }: RunRow) => createdAt ?? "";
    runs.sort((a, b) => created(b).localeCompare(created(a)) || b.path.localeCompare(a.path));
    return { runs, isIncomplete: found.isIncomplete };
  }
}

function locateBelow(root: string): Locate {
  return async (path) => {
    const folder = resolve(root, path);
    const inside = relative(root, folder);
    if (inside === "" || inside.split(sep).includes("..") || !folder.startsWith(root) || !(await isRun(folder, true)))
      throw new BrowseError("not-found", `${path} is not the folder of a run.`);
    return folder;
  };
}
