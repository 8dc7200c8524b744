import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, relative, sep } from "node:path";
import type { RequestHandler } from "express";
import { isHidden, parsePath, type RootFolder } from "./contents/paths.ts";
import { HttpError } from "./errors.ts";

/**
 * GET /api/resolvePath?path=: where a path that a person or a program wrote (absolute, from the home folder, or relative
 * to the served folder) is in the contents API. Nothing outside the served folder is told of.
 */
export function resolvePathHandler(root: RootFolder): RequestHandler {
  return async (request, response) => {
    const { path } = request.query;
    if (typeof path !== "string" || path === "") throw new HttpError(400, "Missing argument path");
    const resolved = await contentsPath(root, path);
    response.json({ resolved: resolved === undefined ? [] : [{ scope: "server", path: resolved }] });
  };
}

async function contentsPath(root: RootFolder, given: string): Promise<string | undefined> {
  const path = given === "~" || given.startsWith("~/") ? join(homedir(), given.slice(1)) : given;
  try {
    let inside = path;
    if (isAbsolute(path)) {
      // An API path with a slash in front is also absolute.
      const real = await realpath(path).catch(() => undefined);
      inside = real !== undefined && root.holds(real) ? relative(root.path, real) : path;
    }
    const names = parsePath(inside.split(sep).join("/"));
    if (isHidden(names)) return undefined;
    await root.locate(names);
    return names;
  } catch {
    return undefined;
  }
}
