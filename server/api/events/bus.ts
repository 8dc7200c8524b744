import express, { type Router } from "express";
import type { WebSocket } from "ws";
import { jsonBody, megabyte } from "../bodies.ts";
import { HttpError } from "../errors.ts";
import { heartbeat } from "../sockets.ts";
import { checkEvent, listSchemas } from "./schemas.ts";

/** Bytes that may wait for a slow subscriber; beyond them it misses events. */
const maxWaiting = 2 ** 20;

/** Jupyter's event bus: what the server tells, or a client posts to /api/events, reaches every subscriber. */
export class EventBus {
  readonly #subscribers = new Set<WebSocket>();

  subscribe(socket: WebSocket): void {
    heartbeat(socket);
    this.#subscribers.add(socket);
    socket.on("close", () => this.#subscribers.delete(socket));
  }

  /** Sends an event, which has been checked or was made here, to all subscribers. */
  emit(schemaId: string, data: Record<string, unknown>): void {
    if (!this.#subscribers.size) return;
    const emission = JSON.stringify({ ...data, schema_id: schemaId });
    for (const socket of this.#subscribers) if (socket.bufferedAmount < maxWaiting) socket.send(emission);
  }

  /** POST /api/events, and GET /api/events/schemas: what may be posted. */
  router(): Router {
    const router = express.Router();
    router.use(jsonBody(megabyte));
    router.get("/schemas", (_request, response) => {
      response.json(listSchemas());
    });
    router.post("/", (request, response) => {
      const given: unknown = request.body;
      const body = (typeof given === "object" ? (given ?? {}) : {}) as Record<string, unknown>;
      for (const key of ["schema_id", "version", "data"])
        if (!(key in body)) throw new HttpError(400, `Missing \`${key}\` in the JSON request body.`);
      const { schema_id, version, data } = body;
      if (typeof data !== "object" || data === null || Array.isArray(data))
        throw new HttpError(400, "`data` must be a JSON object.");
      checkEvent(String(schema_id), String(version), data as Record<string, unknown>);
      this.emit(String(schema_id), data as Record<string, unknown>);
      response.status(204).end();
    });
    return router;
  }
}
