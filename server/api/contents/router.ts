import { stat } from "node:fs/promises";
import express, { type Request, type Router } from "express";
import { z } from "zod";
import { parseInput } from "../../../src/base/schema.ts";
import { jsonBody, megabyte } from "../bodies.ts";
import { HttpError } from "../errors.ts";
import { gather } from "../turns.ts";
import { contentBytes } from "./bytes.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { type ContentsFormat, type ContentsModel, type ContentsType, describe } from "./models.ts";
import type { Notebook } from "./notebooks.ts";
import { parsePath } from "./paths.ts";
import type { ContentsStore } from "./store.ts";
import type { Uploads } from "./uploads.ts";

/** The largest notebook or file that one request may save; larger files come in chunks. */
const maxBodyBytes = 256 * megabyte;

const types = ["directory", "file", "notebook"] as const;
const formats = ["text", "base64", "json"] as const;

const createSchema = z.object({
  type: z.enum(types).optional(),
  ext: z
    .string()
    .regex(/^[^/\\\0]*$/, "must not hold a path")
    .optional(),
  copy_from: z.string().optional(),
});
const saveSchema = z.object({
  type: z.string().optional(),
  format: z.enum(formats).nullish(),
  content: z.unknown().optional(),
  chunk: z.number().optional(),
  if_hash: z.string().nullish(),
});
const renameSchema = z.object({ path: z.string("PATCH needs the new path as `path`") });

/** Jupyter's contents API: /api/contents/{path} and its checkpoints. */
export function contentsRouter(store: ContentsStore, checkpoints: Checkpoints, uploads: Uploads): Router {
  const router = express.Router();
  router.use(jsonBody(maxBodyBytes));
  const fileOf = async (request: Request): Promise<string> => {
    const file = await store.root.target(pathOf(request));
    if (!(await stat(file).catch(() => undefined))?.isFile())
      throw new HttpError(404, `No such file: ${pathOf(request)}`);
    return file;
  };

  const checkpointList = "{/*path}/checkpoints";
  router.get(checkpointList, async (request, response) => {
    response.json(await checkpoints.list(await fileOf(request)));
  });
  router.post(checkpointList, async (request, response) => {
    const made = await checkpoints.create(await fileOf(request));
    response
      .status(201)
      .location(`${location(pathOf(request))}/checkpoints/${made.id}`)
      .json(made);
  });
  router.post("{/*path}/checkpoints/:id", async (request, response) => {
    await checkpoints.restore(await fileOf(request), request.params.id!);
    response.status(204).end();
  });
  router.delete("{/*path}/checkpoints/:id", async (request, response) => {
    await checkpoints.remove(await fileOf(request), request.params.id!);
    response.status(204).end();
  });
  router.post("{/*path}/trust", async (request, response) => {
    await store.trust(pathOf(request));
    response.status(201).end();
  });

  router.get("{/*path}", async (request, response) => {
    const { type, format, content, hash } = request.query;
    const model = await store.read(pathOf(request), {
      type: choice<ContentsType>(type, types, "Type"),
      format: choice<ContentsFormat>(format, formats, "Format"),
      content: flag(content, "content", true),
      hash: flag(hash, "hash", false),
    });
    response.setHeader("Last-Modified", new Date(model.last_modified).toUTCString());
    response.type("json").send(await gather(modelPieces(model)));
  });

  router.post("{/*path}", async (request, response) => {
    const folder = pathOf(request);
    const input = parseInput(createSchema, request.body ?? {}, "request to create a file");
    if ((await describe(folder, await store.root.locate(folder))).type !== "directory")
      throw new HttpError(400, "Cannot POST to files, use PUT instead.");
    const extension = input.ext ?? "";
    const type = input.type ?? (extension === ".ipynb" ? "notebook" : "file");
    const model =
      input.copy_from === undefined
        ? await store.createUntitled(folder, type, extension || (input.type === "file" ? ".txt" : ""))
        : await store.copy(parsePath(input.copy_from), folder);
    response.status(201).location(location(model.path)).json(model);
  });

  router.put("{/*path}", async (request, response) => {
    const path = pathOf(request);
    const { chunk, ...input } = parseInput(saveSchema, request.body ?? {}, "file to save");
    if (input.type === undefined) throw new HttpError(400, "No file type provided");
    const type = choice<ContentsType>(input.type, types, "Unhandled contents type:");
    if (chunk !== undefined) {
      if (type !== "file") throw new HttpError(400, `File type "${type}" is not supported for large file transfer`);
      const target = await store.root.target(path);
      const existed = (await stat(target).catch(() => undefined)) !== undefined;
      const { size, done } = await uploads.add(target, chunk, await contentBytes({ ...input, type }, path));
      const now = new Date().toISOString();
      const model = done
        ? await describe(path, target)
        : { ...emptyModel, name: path.split("/").at(-1), path, created: now, last_modified: now, size };
      response.status(existed ? 200 : 201).json(model);
      return;
    }
    const { model, created } = await store.save(path, { ...input, type: type! });
    if (created) response.status(201).location(location(path));
    response.json(model);
  });

  router.patch("{/*path}", async (request, response) => {
    const to = parseInput(renameSchema, request.body ?? {}, "request to rename").path;
    const model = await store.rename(pathOf(request), parsePath(to));
    response.location(location(model.path)).json(model);
  });

  router.delete("{/*path}", async (request, response) => {
    await store.remove(pathOf(request));
    response.status(204).end();
  });
  return router;
}

/** A model as JSON, with each cell of a notebook as a piece of its own. */
function* modelPieces(model: ContentsModel): Generator<string> {
  const { content, ...rest } = model;
  if (model.type !== "notebook" || content === null) return yield JSON.stringify(model);
  const { cells, ...notebook } = content as Notebook;
  yield `${JSON.stringify(rest).slice(0, -1)},"content":${JSON.stringify(notebook).slice(0, -1)},"cells":[`;
  for (const [i, cell] of cells.entries()) yield (i === 0 ? "" : ",") + JSON.stringify(cell);
  yield "]}}";
}

/** What is said of a file that is still being uploaded. */
const emptyModel = {
  type: "file",
  writable: true,
  mimetype: null,
  format: null,
  content: null,
  hash: null,
  hash_algorithm: null,
} as const;

function pathOf(request: Request): string {
  return parsePath((request.params as { path?: string[] }).path ?? []);
}

function location(path: string): string {
  return `/api/contents/${path.split("/").map(encodeURIComponent).join("/")}`;
}

function choice<T extends string>(value: unknown, allowed: readonly string[], what: string): T | undefined {
  if (value === undefined || value === "") return undefined;
  if (!allowed.includes(value as string)) throw new HttpError(400, `${what} ${JSON.stringify(value)} is invalid`);
  return value as T;
}

function flag(value: unknown, name: string, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (value !== "0" && value !== "1") throw new HttpError(400, `${name} ${JSON.stringify(value)} is invalid`);
  return value === "1";
}
