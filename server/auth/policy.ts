import { randomBytes } from "node:crypto";
import type { Response } from "express";

/** What pages may load from other servers than this one; none by default, so that no notebook can tell anyone anything. */
export interface RemoteContent {
  allowed: boolean;
}

const join = (directives: Record<string, readonly string[]>): string =>
  Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.join(" ")}`)
    .join("; ");

/** For answers that are data: shown by themselves they load and run nothing. */
export const dataPolicy = join({
  "default-src": ["'none'"],
  sandbox: [],
  "frame-ancestors": ["'self'"],
});

/** For pages made of a notebook's content: they show themselves as they are, run nothing and ask nobody. */
export const exportPolicy = join({
  "default-src": ["'none'"],
  "img-src": ["'self'", "data:"],
  "media-src": ["'self'", "data:"],
  "font-src": ["data:"],
  "style-src": ["'unsafe-inline'"],
  sandbox: [],
  "frame-ancestors": ["'self'"],
});

/**
 * For files of the served folder, and whatever else is not ours: a page among them runs as a stranger. It has an origin
 * of its own, so no cookie of ours goes with its requests, and it cannot ask other servers.
 */
export function strangerPolicy({ allowed }: RemoteContent): string {
  const sources = ["'self'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:", ...(allowed ? ["https:"] : [])];
  return join({
    "default-src": sources,
    "form-action": ["'none'"],
    "frame-ancestors": ["'self'"],
    sandbox: ["allow-scripts"],
  });
}

/** A value that only the page that was sent with it knows. */
export const newNonce = (): string => randomBytes(16).toString("base64");

/**
 * For the application's pages. A script runs when it is one of the build's files or carries the page's nonce, which the
 * page gives to scripts of trusted outputs; markup that got in otherwise runs nothing.
 *
 * - `'unsafe-eval'`: the settings registry compiles its schemas (ajv) and Vega its expressions with `new Function`;
 *   JavaScript outputs of trusted cells are evaluated.
 * - `blob:` for scripts: widgets that bring their own module (anywidget).
 * - `'unsafe-inline'` for styles: CodeMirror, Lumino and MathJax write style elements, and outputs use style attributes.
 */
export function pagePolicy(options: { staticUrl: string; nonce: string; remote: RemoteContent }): string {
  const { staticUrl, nonce, remote } = options;
  const elsewhere = remote.allowed ? ["https:"] : [];
  return join({
    "default-src": ["'self'"],
    "script-src": [staticUrl, `'nonce-${nonce}'`, "'unsafe-eval'", "blob:", ...elsewhere],
    "style-src": ["'self'", "'unsafe-inline'", ...elsewhere],
    "img-src": ["'self'", "data:", "blob:", ...elsewhere],
    "media-src": ["'self'", "data:", "blob:", ...elsewhere],
    "font-src": ["'self'", "data:", ...elsewhere],
    "connect-src": ["'self'", "data:", "blob:", ...(remote.allowed ? ["https:", "wss:"] : [])],
    "worker-src": ["'self'", "blob:"],
    "frame-src": ["'self'", "data:", "blob:", ...elsewhere],
    "object-src": ["'none'"],
    "base-uri": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'self'"],
  });
}

/** For the login page: no script at all. */
export function formPolicy(nonce: string): string {
  return join({
    "default-src": ["'none'"],
    "style-src": [`'nonce-${nonce}'`],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
  });
}

/** What every answer says. */
export function setCommonHeaders(response: Response): void {
  response.setHeader("X-Content-Type-Options", "nosniff");
  // Not "no-referrer": a browser would then hide the origin of forms, too.
  response.setHeader("Referrer-Policy", "same-origin");
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
}
