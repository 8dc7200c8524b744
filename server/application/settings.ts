import { readFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import express, { type Router } from "express";
import { z } from "zod";
import { writeFileAtomic } from "../../src/base/files.ts";
import { parseInput } from "../../src/base/schema.ts";
import { jsonBody, megabyte } from "../api/bodies.ts";
import { HttpError } from "../api/errors.ts";

/** What the build collected about one plugin's settings. */
interface PluginSchema {
  schema: unknown;
  version: string;
}

/** A plugin's settings as JupyterLab's settings client reads them. */
interface PluginSettings extends PluginSchema {
  id: string;
  /** The user's own values as they typed them: JSON with comments. */
  raw: string;
  /** Always empty: the client reads `raw`. */
  settings: Record<string, never>;
  created: string | null;
  last_modified: string | null;
}

const bodySchema = z.object({ raw: z.string().max(1_000_000) });

/**
 * `/` and `/{plugin id}`: the settings schemas of the bundled plugins and the user's values, one file a plugin
 * (`@scope/package/plugin.jupyterlab-settings`, JupyterLab's own layout).
 */
export function settingsRouter(options: { schemasFile: string; folder: string }): Router {
  let schemas: Record<string, PluginSchema> | undefined;
  const known = (): Record<string, PluginSchema> =>
    (schemas ??= JSON.parse(readFileSync(options.schemasFile, "utf8")) as Record<string, PluginSchema>);

  /** Only ids of bundled plugins become file names, so none can lead out of the folder. */
  const schemaOf = (id: string): PluginSchema => {
    const all = known();
    if (!Object.hasOwn(all, id)) throw new HttpError(404, `There is no plugin ${id} with settings.`);
    return all[id]!;
  };
  const fileOf = (id: string): string => join(options.folder, `${id.replace(":", "/")}.jupyterlab-settings`);

  const load = async (id: string): Promise<PluginSettings> => {
    const plugin = { id, ...schemaOf(id), settings: {} };
    const file = fileOf(id);
    try {
      const [raw, { birthtime, mtime }] = await Promise.all([readFile(file, "utf8"), stat(file)]);
      return { ...plugin, raw, created: birthtime.toISOString(), last_modified: mtime.toISOString() };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return { ...plugin, raw: "{}", created: null, last_modified: null };
    }
  };

  const router = express.Router();
  router.use(jsonBody(2 * megabyte));
  router.get("/", async (request, response) => {
    const ids = Object.keys(known());
    const settings = request.query.ids_only === "true" ? ids.map((id) => ({ id })) : await Promise.all(ids.map(load));
    response.json({ settings });
  });
  router.get("/*id", async (request, response) => {
    response.json(await load(request.params.id.join("/")));
  });
  router.put("/*id", async (request, response) => {
    const id = request.params.id.join("/");
    schemaOf(id);
    const { raw } = parseInput(bodySchema, request.body, `settings of ${id}`);
    await writeFileAtomic(fileOf(id), raw);
    response.status(204).end();
  });
  return router;
}
