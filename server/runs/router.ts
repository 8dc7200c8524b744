import { randomUUID } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import express, { type Request, type Router } from "express";
import { z } from "zod";
import { parseInput } from "../../src/base/schema.ts";
import { RunBrowser } from "../../src/live/index.ts";
import { RecordingError } from "../../src/recording/errors.ts";
import { lockRun } from "../../src/recording/lock.ts";
import { parsePath, type RootFolder } from "../api/contents/paths.ts";
import { HttpError } from "../api/errors.ts";
import { locateRun } from "./folders.ts";

const number = z.string().regex(/^\d{1,9}$/, "must be a whole number").transform(Number);
const runQuery = z.object({ path: z.string("path of the run's folder is missing"), points: number.optional() });
const stepQuery = z.object({ path: z.string(), step: number });
const pageQuery = stepQuery.extend({ offset: number.optional(), limit: number.optional() });
const fullQuery = stepQuery.extend({ index: z.string().regex(/^\d{1,9}(,\d{1,9})*$/, "must be places, such as 0,1,2") });
const searchQuery = stepQuery.extend({ text: z.string(), regex: z.enum(["0", "1"]).default("0") });

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
  const browser = new RunBrowser(root.path, (path, step) =>
    step === undefined ? locateRun(root, path) : locateStep(root, path, step),
  );
  const router = express.Router();

  router.get("/", async (_, response) => {
    response.json(await browser.ask({ what: "list" }));
  });

  router.get("/run", async (request, response) => {
    const { path, points } = query(runQuery, request);
    response.json(await browser.ask({ what: "run", path: parsePath(path), points }));
  });

  router.delete("/run", async (request, response) => {
    const { path } = query(runQuery, request);
    const folder = await locateRun(root, path);
    if (folder === root.path) throw new HttpError(400, "The root folder itself cannot be removed");
    await remove(folder);
    browser.forget(folder);
    response.status(204).end();
  });

  router.get("/rollouts", async (request, response) => {
    response.json(await browser.ask({ what: "rollouts", ...query(pageQuery, request) }));
  });

  router.get("/rollouts/full", async (request, response) => {
    const { index, ...rest } = query(fullQuery, request);
    response.json(await browser.ask({ what: "full", ...rest, indices: index.split(",").map(Number) }));
  });

  router.get("/rollouts/search", async (request, response) => {
    const { regex, ...rest } = query(searchQuery, request);
    response.json(await browser.ask({ what: "search", ...rest, isRegex: regex === "1" }));
  });

  return { router, close: () => browser.close() };
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
