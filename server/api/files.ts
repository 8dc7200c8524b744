import { basename } from "node:path";
import express, { type Router } from "express";
import { describe } from "./contents/models.ts";
import { parsePath, type RootFolder } from "./contents/paths.ts";
import { HttpError } from "./errors.ts";

/** GET /files/{path}: the file itself; with `?download=1` as a download. */
export function filesRouter(root: RootFolder): Router {
  const router = express.Router();
  router.get("/*path", async (request, response) => {
    const path = parsePath((request.params as { path?: string[] }).path ?? []);
    const real = await root.locate(path);
    if ((await describe(path, real)).type === "directory") throw new HttpError(400, `${path} is a directory`);
    // A page from the folder runs as a stranger: no cookies of ours, no access to the notebook's pages.
    response.setHeader("Content-Security-Policy", "frame-ancestors 'self'; sandbox allow-scripts");
    if (real.endsWith(".ipynb")) response.type("application/x-ipynb+json");
    if (request.query.download !== undefined) response.attachment(basename(path));
    await new Promise<void>((resolve, reject) => {
      response.sendFile(real, { dotfiles: "allow", cacheControl: false }, (error) => {
        // A reader that goes away in the middle is nobody's error.
        if (!error || (error as NodeJS.ErrnoException).code === "ECONNABORTED") resolve();
        else reject(error);
      });
    });
  });
  return router;
}
