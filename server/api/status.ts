import express, { type Router } from "express";
import type { KernelManager } from "./kernels/manager.ts";

/** Version of the Jupyter Server API that clients may expect; they look at the major number. */
export const apiVersion = "2.17.0";

/** The small parts of Jupyter's API: the version, how the server is doing, its end. */
export function statusRouter(kernels: KernelManager, shutDown: () => void): Router {
  const router = express.Router();
  const started = new Date().toISOString();

  router.get("/", (_request, response) => {
    response.json({ version: apiVersion });
  });
  router.get("/status", (_request, response) => {
    const models = kernels.list().map((kernel) => kernel.model);
    response.json({
      started,
      last_activity: kernels.lastActivity,
      kernels: models.length,
      connections: models.reduce((sum, { connections }) => sum + connections, 0),
    });
  });
  router.post("/shutdown", (_request, response) => {
    // Told before it happens: afterwards there is nobody who could.
    response.once("finish", shutDown);
    response.status(200).end();
  });
  return router;
}
