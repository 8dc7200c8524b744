import express, { type RequestHandler } from "express";
import { HttpError } from "./errors.ts";

const kilobyte = 1024;
export const megabyte = 1024 * kilobyte;

/** Refuses a body whose `Content-Length` is beyond the limit before any of it is read. */
export function limitLength(maxBytes: number): RequestHandler {
  return (request, _response, next) => {
    if (Number(request.get("content-length") ?? 0) <= maxBytes) return next();
    throw new HttpError(413, `The request is too large: at most ${Math.floor(maxBytes / kilobyte)} kB`);
  };
}

/** Reads bodies of JSON, of whatever type they say they are: JupyterLab's client sends JSON as text/plain. */
export function jsonBody(maxBytes: number): RequestHandler[] {
  return [limitLength(maxBytes), express.json({ limit: maxBytes, type: () => true, strict: false })];
}
