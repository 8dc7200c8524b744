import express, { type Router } from "express";
import type { WebSocket } from "ws";
import { z } from "zod";
import { parseInput } from "../../src/base/schema.ts";
import { heartbeat } from "./sockets.ts";

const eventSchema = z.object({
  schema_id: z.string().min(1),
  version: z.union([z.string(), z.number()]),
  data: z.record(z.string(), z.unknown()),
});

/** Jupyter's event bus: what is posted to /api/events reaches every /api/events/subscribe. */
export class EventBus {
  readonly #subscribers = new Set<WebSocket>();

  subscribe(socket: WebSocket): void {
    heartbeat(socket);
    this.#subscribers.add(socket);
    socket.on("close", () => this.#subscribers.delete(socket));
  }

  router(): Router {
    const router = express.Router();
    router.post("/", express.json({ limit: "1mb", type: () => true }), (request, response) => {
      const { schema_id, version, data } = parseInput(eventSchema, request.body ?? {}, "event");
      const emission = JSON.stringify({
        ...data,
        schema_id,
        schema_version: version,
        emission_time: new Date().toISOString(),
      });
      for (const socket of this.#subscribers) socket.send(emission);
      response.status(204).end();
    });
    return router;
  }
}
