import express, { type Router } from "express";
import { z } from "zod";
import { parseInput } from "../../src/base/schema.ts";
import { parsePath } from "../api/contents/paths.ts";
import type { ContentsStore } from "../api/contents/store.ts";

const decisionSchema = z.object({ take: z.enum(["script", "notebook"]) });

/**
 * /api/pairing/{path}: GET tells how a notebook and its paired script stand to each other, `{ state }`; POST
 * `{ take: "script" | "notebook" }` decides between two that were both changed.
 */
export function pairingRouter(store: ContentsStore): Router {
  const router = express.Router();
  router.use(express.json({ limit: "10kb", type: () => true }));
  router.get("/*path", async (request, response) => {
    response.json({ state: await store.pairState(parsePath(request.params.path)) });
  });
  router.post("/*path", async (request, response) => {
    const { take } = parseInput(decisionSchema, request.body, "decision");
    await store.decidePair(parsePath(request.params.path), take);
    response.status(204).end();
  });
  return router;
}
