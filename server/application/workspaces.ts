import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import express, { type Router } from "express";
import { z } from "zod";
import { writeFileAtomic } from "../../src/base/files.ts";
import { parseInput } from "../../src/base/schema.ts";
import { jsonBody, megabyte } from "../api/bodies.ts";
import { HttpError } from "../api/errors.ts";

const workspaceSchema = z.object({
  data: z.record(z.string(), z.unknown()),
  metadata: z.looseObject({ id: z.string().min(1) }),
});
type Workspace = z.infer<typeof workspaceSchema>;

const suffix = ".jupyterlab-workspace";

/** `/` and `/{id}`: layouts of the application by name, one file each. */
export function workspacesRouter(options: { folder: string }): Router {
  const fileOf = (id: string): string => {
    const name = encodeURIComponent(id).replaceAll(".", "%2E");
    if (name.length > 200) throw new HttpError(400, "The workspace's name is too long.");
    return join(options.folder, name + suffix);
  };

  const load = async (file: string): Promise<Workspace> => {
    const [text, { birthtime, mtime }] = await Promise.all([readFile(file, "utf8"), stat(file)]);
    const { data, metadata } = parseInput(workspaceSchema, JSON.parse(text), `workspace file ${file}`);
    const times = { created: birthtime.toISOString(), last_modified: mtime.toISOString() };
    return { data, metadata: { ...metadata, ...times } };
  };

  const router = express.Router();
  router.use(jsonBody(10 * megabyte));
  router.get("/", async (_, response) => {
    const names = await readdir(options.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    const files = names.filter((name) => name.endsWith(suffix)).map((name) => join(options.folder, name));
    const loaded = await Promise.allSettled(files.sort().map(load));
    // One file that is damaged, or just removed, keeps nobody from the others.
    for (const one of loaded) if (one.status === "rejected") console.error("A workspace is left out:", one.reason);
    const values = loaded.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    response.json({ workspaces: { ids: values.map(({ metadata }) => metadata.id), values } });
  });
  router.get("/*id", async (request, response) => {
    const id = request.params.id.join("/");
    try {
      response.json(await load(fileOf(id)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      // A workspace that nobody saved yet is an empty one.
      response.json({ data: {}, metadata: { id } });
    }
  });
  router.put("/*id", async (request, response) => {
    const id = request.params.id.join("/");
    const workspace = parseInput(workspaceSchema, request.body, `workspace ${id}`);
    if (workspace.metadata.id !== id)
      throw new HttpError(400, `The workspace's metadata names ${workspace.metadata.id}, the address ${id}.`);
    await writeFileAtomic(fileOf(id), JSON.stringify(workspace));
    response.status(204).end();
  });
  router.delete("/*id", async (request, response) => {
    const id = request.params.id.join("/");
    await rm(fileOf(id)).catch((error: NodeJS.ErrnoException) => {
      throw error.code === "ENOENT" ? new HttpError(404, `There is no workspace ${id}.`) : error;
    });
    response.status(204).end();
  });
  return router;
}
