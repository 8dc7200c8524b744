import { existsSync } from "node:fs";
import { extname, join } from "node:path";
import express, { type RequestHandler, type Router } from "express";

const aYearInSeconds = 365 * 24 * 3600;

/** Sends the .gz twin that the build made of a file, to a browser that accepts it. */
function precompressed(folder: string): RequestHandler {
  return (request, response, next) => {
    const path = request.path;
    if (!/^\/[\w.-]+$/.test(path) || !/\bgzip\b/.test(request.get("accept-encoding") ?? "")) return next();
    const file = join(folder, `${path}.gz`);
    if (!existsSync(file)) return next();
    response.type(extname(path));
    response.setHeader("Content-Encoding", "gzip");
    response.setHeader("Vary", "Accept-Encoding");
    response.sendFile(file, { maxAge: aYearInSeconds * 1000, immutable: true });
  };
}

/** `/static`: files in assets/ have their content's hash in their name and never change; the rest is asked for anew. */
export function staticRouter(folder: string): Router {
  const assets = join(folder, "assets");
  const router = express.Router();
  router.use("/assets", precompressed(assets));
  router.use(
    "/assets",
    express.static(assets, { maxAge: aYearInSeconds * 1000, immutable: true, index: false, redirect: false }),
  );
  router.use(express.static(folder, { index: false, redirect: false }));
  return router;
}
