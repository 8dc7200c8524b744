import { basename } from "node:path";
import express, { type Response, type Router } from "express";
import { describe } from "./contents/models.ts";
import { parsePath, type RootFolder } from "./contents/paths.ts";
import { HttpError } from "./errors.ts";

/** GET /files/{path}: the file itself, under the policy for strangers; with `?download=1` as a download. */
export function filesRouter(root: RootFolder): Router {
  const router = express.Router();
  router.get("/*path", async (request, response) => {
    const path = parsePath((request.params as { path?: string[] }).path ?? []);
    const real = await root.locate(path);
    if ((await describe(path, real)).type === "directory") throw new HttpError(400, `${path} is a directory`);
    response.type(path.endsWith(".ipynb") ? "application/x-ipynb+json" : basename(path));
    response.setHeader("Cache-Control", "private, no-cache");
    if (request.query.download !== undefined) response.attachment(basename(path));
    const file = await root.open(path);
    try {
      // Under its number the open file is sent, whatever its name means by now.
      await send(response, process.platform === "linux" ? `/proc/self/fd/${file.fd}` : real);
    } finally {
      await file.close();
    }
  });
  return router;
}

function send(response: Response, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    response.sendFile(file, { dotfiles: "allow", cacheControl: false }, (error) => {
      // A reader that goes away in the middle is nobody's error.
      if (!error || (error as NodeJS.ErrnoException).code === "ECONNABORTED") resolve();
      else reject(error);
    });
  });
}
