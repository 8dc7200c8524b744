import express, { type Router } from "express";
import { z } from "zod";
import { parseInput } from "../../../src/base/schema.ts";
import { jsonBody, megabyte } from "../bodies.ts";
import type { TerminalManager } from "./manager.ts";

const startSchema = z.object({
  name: z
    .string()
    .regex(/^[\w.-]{1,64}$/, "must be letters, digits and any of - _ .")
    .nullish(),
  cwd: z.string().nullish(),
});

/** Jupyter's terminals API: /api/terminals. */
export function terminalsRouter(terminals: TerminalManager): Router {
  const router = express.Router();
  router.use(jsonBody(megabyte));

  router.get("/", (_request, response) => {
    response.json(terminals.list().map((terminal) => terminal.model));
  });
  router.post("/", async (request, response) => {
    const input = parseInput(startSchema, request.body ?? {}, "request to start a terminal");
    response.json((await terminals.start(input)).model);
  });
  router.get("/:name", (request, response) => {
    response.json(terminals.get(request.params.name).model);
  });
  router.delete("/:name", async (request, response) => {
    await terminals.get(request.params.name).close();
    response.status(204).end();
  });
  return router;
}
