import express, { type Router } from "express";
import { z } from "zod";
import { parseInput } from "../../../src/base/schema.ts";
import { jsonBody, megabyte } from "../bodies.ts";
import type { KernelManager } from "./manager.ts";

const startSchema = z.object({ name: z.string().nullish(), path: z.string().nullish() });

/** Jupyter's kernels API: /api/kernels. */
export function kernelsRouter(kernels: KernelManager): Router {
  const router = express.Router();
  router.use(jsonBody(megabyte));

  router.get("/", (_request, response) => {
    response.json(kernels.list().map((kernel) => kernel.model));
  });
  router.post("/", async (request, response) => {
    const { name, path } = parseInput(startSchema, request.body ?? {}, "request to start a kernel");
    const kernel = await kernels.start(name ?? undefined, path ?? undefined);
    response.status(201).location(`/api/kernels/${kernel.id}`).json(kernel.model);
  });
  router.get("/:id", (request, response) => {
    response.json(kernels.get(request.params.id).model);
  });
  router.delete("/:id", async (request, response) => {
    await kernels.shutdown(request.params.id);
    response.status(204).end();
  });
  router.post("/:id/interrupt", async (request, response) => {
    await kernels.interrupt(request.params.id);
    response.status(204).end();
  });
  router.post("/:id/restart", async (request, response) => {
    response.json((await kernels.restart(request.params.id)).model);
  });
  return router;
}
