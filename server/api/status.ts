import express, { type Router } from "express";
import { HttpError } from "./errors.ts";
import type { KernelManager } from "./kernels/manager.ts";

/** Version of the Jupyter Server API that clients may expect; they look at the major number. */
const apiVersion = "2.17.0";

/** The small parts of Jupyter's API: version, status, identity, and what this server does not have. */
export function statusRouter(kernels: KernelManager): Router {
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
  router.get("/me", (_request, response) => {
    response.json({
      identity: { username: "user", name: "User", display_name: "User", initials: "U", avatar_url: null, color: null },
      permissions: {},
    });
  });
  router.get("/terminals", (_request, response) => {
    response.json([]);
  });
  router.all("/terminals{/*rest}", () => {
    throw new HttpError(404, "This server has no terminals.");
  });
  router.get("/nbconvert", (_request, response) => {
    response.json({});
  });
  return router;
}
