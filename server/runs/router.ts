import { randomUUID } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import express, { type Request, type Router } from "express";
import { z } from "zod";
import { parseInput } from "../../src/base/schema.ts";
import { RecordingError } from "../../src/recording/errors.ts";
import { findRuns } from "../../src/live/index.ts";
import { lockRun } from "../../src/recording/lock.ts";
import { parsePath, type RootFolder } from "../api/contents/paths.ts";
import { HttpError } from "../api/errors.ts";
import { RunCatalogue, type RunRow } from "./catalogue.ts";
import { locateRun } from "./folders.ts";
import { RecordedSteps } from "./recorded-steps.ts";

/** What `GET /api/runs` answers. */
export interface RunList {
  /** Newest first, damaged ones last. */
  readonly runs: readonly RunRow[];
  /** The served folder holds too many folders to have looked through all of them. */
  readonly isIncomplete: boolean;
}

/** Rollouts that one request may ask for in full: a large group. */
const maxInFull = 256;

const number = z.string().regex(/^\d{1,9}$/, "must be a whole number").transform(Number);
const runQuery = z.object({ path: z.string("path of the run's folder is missing"), points: number.optional() });
const stepQuery = z.object({ path: z.string(), step: number });
const pageQuery = stepQuery.extend({ offset: number.default(0), limit: number.default(1000) });
const fullQuery = stepQuery.extend({ index: z.string().regex(/^\d{1,9}(,\d{1,9})*$/, "must be places, such as 0,1,2") });
const searchQuery = stepQuery.extend({ text: z.string().min(1).max(1000), regex: z.enum(["0", "1"]).default("0") });

/**
 * Recorded runs under the served folder, for pages to look at; a run is named by its folder's path. Nothing is written
 * but by DELETE.
 *
 * - `GET /` all runs
 * - `GET /run?path&points` one: configuration, metrics, events, checkpoints
 * - `GET /rollouts?path&step&offset&limit` rows of a step's rollouts
 * - `GET /rollouts/full?path&step&index=0,1` some in full
 * - `GET /rollouts/search?path&step&text&regex=1` places of those that hold a text
 * - `DELETE /run?path` removes one that nobody trains
 */
export function runsRouter(root: RootFolder): { router: Router; close(): Promise<void> } {
  const catalogue = new RunCatalogue();
  const steps = new RecordedSteps();
  const router = express.Router();

  router.get("/", async (_, response) => {
    const found = await findRuns(root.path);
    const rows = found.paths.map(async (path) => catalogue.row(join(root.path, path), path));
    // One that was removed in the meantime is not listed.
    const runs = (await Promise.allSettled(rows)).flatMap((row) => (row.status === "fulfilled" ? [row.value] : []));
    const created = ({ createdAt }: RunRow) => createdAt ?? "";
    runs.sort((a, b) => created(b).localeCompare(created(a)) || b.path.localeCompare(a.path));
    response.json({ runs, isIncomplete: found.isIncomplete } satisfies RunList);
  });

  router.get("/run", async (request, response) => {
    const { path, points = 600 } = query(runQuery, request);
    const folder = await locateRun(root, path);
    response.json(await catalogue.details(folder, parsePath(path), Math.min(Math.max(points, 2), 5000)));
  });

  router.delete("/run", async (request, response) => {
    const { path } = query(runQuery, request);
    const folder = await locateRun(root, path);
    if (folder === root.path) throw new HttpError(400, "The root folder itself cannot be removed");
    await remove(folder);
    catalogue.forget(folder);
    response.status(204).end();
  });

  router.get("/rollouts", async (request, response) => {
    const { path, step, offset, limit } = query(pageQuery, request);
    const { rows, figures } = await steps.rows(await locateStep(root, path, step), step);
    response.json({ step, total: rows.length, figures, rows: rows.slice(offset, offset + limit) });
  });

  router.get("/rollouts/full", async (request, response) => {
    const { path, step, index } = query(fullQuery, request);
    const indices = index.split(",").map(Number);
    if (indices.length > maxInFull) throw new HttpError(400, `At most ${maxInFull} rollouts at a time.`);
    const rollouts = await steps.rollouts(await locateStep(root, path, step), step, indices);
    if (rollouts.length < indices.length) throw new HttpError(404, `Step ${step} has no rollout ${Math.max(...indices)}.`);
    response.json({ rollouts });
  });

  router.get("/rollouts/search", async (request, response) => {
    const { path, step, text, regex } = query(searchQuery, request);
    const places = await steps.search(await locateStep(root, path, step), step, text, regex === "1");
    response.json({ places });
  });

  return { router, close: () => steps.close() };
}

const query = <S extends z.ZodType>(schema: S, request: Request): z.infer<S> =>
  parseInput(schema, request.query, "request for runs");

/** The folder of a run whose step's file does not lead out of the served folder either. */
async function locateStep(root: RootFolder, path: string, step: number): Promise<string> {
  const folder = await locateRun(root, path);
  const file = `${parsePath(path)}/rollouts/step-${String(step).padStart(6, "0")}.jsonl`;
  await root.locate(file).catch(() => {
    throw new HttpError(404, `${basename(folder)} has no recorded rollouts of step ${step}`);
  });
  return folder;
}

/** Removes a run at once from the list, then from the disk. While that happens nobody can train it. */
async function remove(folder: string): Promise<void> {
  const unlock = await lockRun(folder).catch((error: Error) => {
    throw error instanceof RecordingError ? new HttpError(409, `${error.message} Nothing was removed.`, "trained") : error;
  });
  const rubbish = join(dirname(folder), `.removed-${randomUUID()}`);
  try {
    await rename(folder, rubbish);
  } catch (error) {
    await unlock();
    throw error;
  }
  await rm(rubbish, { recursive: true, force: true });
}
