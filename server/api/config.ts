import { readFile } from "node:fs/promises";
import { join } from "node:path";
import express, { type Request, type Router } from "express";
import { writeFileAtomic } from "../../src/base/files.ts";
import { jsonBody, megabyte } from "./bodies.ts";
import { HttpError } from "./errors.ts";

type Section = Record<string, unknown>;

const isSection = (value: unknown): value is Section =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Jupyter's front-end configuration: /api/config/{section}, one JSON object each.
 *
 * @param folder the user's folder in which the sections are kept.
 */
export function configRouter(folder: string): Router {
  const router = express.Router();
  router.use(jsonBody(megabyte));
  const fileOf = (request: Request<{ section: string }>): string => {
    const { section } = request.params;
    if (!/^[\w-]+$/.test(section)) throw new HttpError(404, `No such configuration section: ${section}`);
    return join(folder, "config", `${section}.json`);
  };
  const bodyOf = (request: Request<{ section: string }>): Section => {
    if (!isSection(request.body)) throw new HttpError(400, "A configuration section is a JSON object");
    return request.body;
  };

  router.get("/:section", async (request, response) => {
    response.json(await load(fileOf(request)));
  });
  router.put("/:section", async (request, response) => {
    await writeFileAtomic(fileOf(request), JSON.stringify(bodyOf(request), null, 2));
    response.status(204).end();
  });
  router.patch("/:section", async (request, response) => {
    const file = fileOf(request);
    const merged = merge(await load(file), bodyOf(request));
    await writeFileAtomic(file, JSON.stringify(merged, null, 2));
    response.json(merged);
  });
  return router;
}

async function load(file: string): Promise<Section> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    return isSection(value) ? value : {};
  } catch {
    return {};
  }
}

/** The section with the changes made: objects are merged, null removes, anything else replaces. */
function merge(section: Section, changes: Section): Section {
  const merged: Section = { ...section };
  for (const [key, change] of Object.entries(changes)) {
    if (key === "__proto__") continue;
    const old = merged[key];
    if (change === null) delete merged[key];
    else merged[key] = isSection(change) ? merge(isSection(old) ? old : {}, change) : change;
  }
  return merged;
}
