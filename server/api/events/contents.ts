import type { Request, RequestHandler, Response } from "express";
import type { EventBus } from "./bus.ts";
import { contentsEvents } from "./schemas.ts";

type Told = { action: string; path: string; source_path?: string };

/** Tells the event bus of what is done through the contents API, as soon as it has succeeded. Stands in front of it. */
export function tellContents(events: EventBus): RequestHandler {
  return (request, response, next) => {
    const { method } = request;
    const path = decoded(request.path).replace(/^\/+|\/+$/g, "");
    const isCheckpoint = /\/(?:checkpoints(?:\/[^/]+)?|trust)$/.test(`/${path}`) && method !== "PUT";
    if (!isCheckpoint)
      response.once("finish", () => {
        const told = response.statusCode < 300 ? happened(method, path, request, response) : undefined;
        if (told) events.emit(contentsEvents, { ...told });
      });
    next();
  };
}

function happened(method: string, path: string, request: Request, response: Response): Told | undefined {
  const body = (request.body ?? {}) as { copy_from?: string };
  switch (method) {
    case "GET":
      return { action: "get", path };
    case "PUT":
      return { action: "save", path };
    case "DELETE":
      return { action: "delete", path };
    case "PATCH":
      return { action: "rename", path: placeOf(response) ?? path, source_path: path };
    case "POST":
      return body.copy_from === undefined
        ? { action: "save", path: placeOf(response) ?? path }
        : { action: "copy", path: placeOf(response) ?? path, source_path: body.copy_from };
    default:
      return undefined;
  }
}

/** The path of the file that the answer's Location names. */
function placeOf(response: Response): string | undefined {
  const location = String(response.getHeader("location") ?? "");
  const path = /\/api\/contents\/(.*)$/.exec(location)?.[1];
  return path === undefined ? undefined : decoded(path);
}

/** The text of a part of an address; one that is malformed is refused further on. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
