import type { ErrorRequestHandler, RequestHandler } from "express";
import { LabError } from "../../src/base/errors.ts";

/** A request that is refused or failed, with its HTTP status; becomes `{message, reason}` in the answer. */
export class HttpError extends Error {
  readonly status: number;
  /** Short machine-readable cause, as Jupyter's `reason`. */
  readonly reason: string | null;

  constructor(status: number, message: string, reason: string | null = null) {
    super(message);
    this.name = "HttpError";
    this.status = status;
    this.reason = reason;
  }
}

/** Errors of the file system that are the caller's, and the status each deserves. */
const systemErrors: Record<string, { status: number; text: string }> = {
  ENOENT: { status: 404, text: "No such file or directory" },
  ENOTDIR: { status: 404, text: "No such file or directory" },
  EACCES: { status: 403, text: "Permission denied" },
  EPERM: { status: 403, text: "Permission denied" },
  EROFS: { status: 403, text: "The disk is read-only" },
  ENOSPC: { status: 507, text: "No space left on the disk" },
  ENAMETOOLONG: { status: 400, text: "The name is too long" },
  EEXIST: { status: 409, text: "File already exists" },
  ERR_STRING_TOO_LONG: { status: 400, text: "The file is too large to be opened. Download it instead." },
  ERR_FS_CP_EEXIST: { status: 409, text: "File already exists" },
  ERR_FS_CP_FIFO_PIPE: { status: 400, text: "A pipe cannot be copied" },
  ERR_FS_CP_SOCKET: { status: 400, text: "A socket cannot be copied" },
};

/** Errors of the lab that are the caller's, by code. */
const labErrors: Record<string, number> = { "invalid-input": 400, "not-found": 404, unreadable: 422 };

/** The HTTP form of anything that was thrown while a request was handled. */
export function asHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof LabError) return new HttpError(labErrors[error.code] ?? 500, error.message);
  const { code, status, type } = (error ?? {}) as { code?: string; status?: number; type?: string };
  const system = code === undefined ? undefined : systemErrors[code];
  if (system) return new HttpError(system.status, system.text, code);
  if (type === "entity.parse.failed") return new HttpError(400, "Invalid JSON in body of request");
  if (type === "entity.too.large") return new HttpError(413, "The request is too large");
  // Errors of express's own parts (a malformed % in the URL, a bad length) carry a 4xx status and a safe message.
  if (typeof status === "number" && status >= 400 && status < 500)
    return new HttpError(status, error instanceof Error ? error.message : "Bad request");
  // What is nested without end cannot be walked through.
  if (error instanceof RangeError && /call stack/.test(error.message))
    return new HttpError(400, "The body is nested too deeply");
  return new HttpError(500, "Internal server error");
}

/** Answers every thrown error of the API as JSON; what nobody expected is also written to the log. */
export const jsonErrors: ErrorRequestHandler = (error, request, response, next) => {
  const { status, message, reason } = asHttpError(error);
  if (status === 500) console.error(`${request.method} ${request.path}:`, error);
  if (response.headersSent) return next(error);
  // A stranger's long body is not read to its end only to be thrown away.
  if ([403, 408, 429].includes(status) && Number(request.get("content-length") ?? 0) > 1_000_000)
    response.setHeader("Connection", "close");
  response.status(status).json({ message, reason });
};

/** Answers paths of the API that do not exist. */
export const notFound: RequestHandler = (request) => {
  throw new HttpError(404, `No such endpoint: ${request.method} ${request.baseUrl}${request.path}`);
};
