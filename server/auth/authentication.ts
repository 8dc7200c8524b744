import type { IncomingMessage } from "node:http";
import type { RequestHandler, Response } from "express";
import { HttpError } from "../api/errors.ts";
import { parseCookies, serializeCookie } from "./cookies.ts";
import { hostName, isLoopback, isSameOrigin } from "./origin.ts";
import { equalSecrets, fingerprint, randomSecret } from "./secrets.ts";

/** How a request proved who it is. */
export type Credential = "token" | "cookie";

const sessionLifeMs = 30 * 24 * 3600 * 1000;
const xsrfCookie = "_xsrf";

/** Paths that answer without a credential; everything else needs one. */
const openPaths = [/^\/api\/?$/, /^\/login\/?$/, /^\/logout\/?$/, /^\/static\//, /^\/favicon\.ico$/];

/**
 * Decides who may do what. A request is let in by the server's token (`Authorization: token X`, `Bearer X` or
 * `?token=X`) or by the session cookie that a visit with the token, or the login page, sets. Writes under a cookie must
 * also show that a page of ours sent them (`X-XSRFToken` repeats the `_xsrf` cookie).
 */
export class Authentication {
  readonly token: string;
  /** Bound to a loopback address: then only loopback names are served, so that no DNS trick reaches us. */
  readonly #loopbackOnly: boolean;
  /** Fingerprints of the session cookies that are valid, and when each ends. */
  readonly #sessions = new Map<string, number>();
  /** Set once the port is known: servers on one machine share a cookie jar, so the name tells them apart. */
  cookieName = "cirlab-session";

  constructor(token: string, loopbackOnly: boolean) {
    this.token = token;
    this.#loopbackOnly = loopbackOnly;
  }

  /** The credential that a request carries, if it is valid. */
  credential(request: IncomingMessage): Credential | undefined {
    const given = tokenOf(request);
    if (given !== undefined && equalSecrets(given, this.token)) return "token";
    const session = parseCookies(request.headers.cookie).get(this.cookieName);
    if (session === undefined) return undefined;
    const ends = this.#sessions.get(fingerprint(session).toString("hex"));
    return ends !== undefined && ends > Date.now() ? "cookie" : undefined;
  }

  /** Whether a websocket may open. A page of another site is refused whatever it knows. */
  mayUpgrade(request: IncomingMessage): boolean {
    if (!this.isKnownHost(request) || !isSameOrigin(request)) return false;
    const credential = this.credential(request);
    // A browser always names the origin of a websocket, and only a browser has our cookie.
    return credential === "token" || (credential === "cookie" && request.headers.origin !== undefined);
  }

  isKnownHost(request: IncomingMessage): boolean {
    return !this.#loopbackOnly || isLoopback(hostName(request.headers.host));
  }

  /** Gives the browser a session cookie. */
  openSession(response: Response): void {
    const session = randomSecret();
    const now = Date.now();
    for (const [known, ends] of this.#sessions) if (ends <= now) this.#sessions.delete(known);
    this.#sessions.set(fingerprint(session).toString("hex"), now + sessionLifeMs);
    this.#setCookie(response, this.cookieName, session, { httpOnly: true, maxAgeSeconds: sessionLifeMs / 1000 });
  }

  /** Ends the browser's session, here and there. */
  closeSession(request: IncomingMessage, response: Response): void {
    const session = parseCookies(request.headers.cookie).get(this.cookieName);
    if (session !== undefined) this.#sessions.delete(fingerprint(session).toString("hex"));
    this.#setCookie(response, this.cookieName, "", { httpOnly: true, maxAgeSeconds: 0 });
  }

  /** The page's XSRF value: the one that its cookie has, or a new one that is set now. */
  xsrf(request: IncomingMessage, response: Response): string {
    const known = parseCookies(request.headers.cookie).get(xsrfCookie);
    if (known && /^[\w|:-]{16,128}$/.test(known)) return known;
    const fresh = randomSecret();
    // Not httpOnly: the page's code reads it and sends it back in a header.
    this.#setCookie(response, xsrfCookie, fresh, {});
    return fresh;
  }

  /** Refuses a write that no page of ours sent. */
  checkXsrf(request: IncomingMessage, given: string | undefined): void {
    const expected = parseCookies(request.headers.cookie).get(xsrfCookie);
    if (!expected || !given || !equalSecrets(given, expected) || !isSameOrigin(request))
      throw new HttpError(403, "'_xsrf' argument missing or wrong: reload the page and try again.", "xsrf");
  }

  /** The guard in front of every page and endpoint. */
  readonly guard: RequestHandler = (request, response, next) => {
    response.setHeader("Content-Security-Policy", "frame-ancestors 'self'");
    response.setHeader("X-Content-Type-Options", "nosniff");
    if (!this.isKnownHost(request))
      throw new HttpError(403, `Host ${hostName(request.headers.host)} is not served here.`);
    if (openPaths.some((path) => path.test(request.path))) return next();

    const credential = this.credential(request);
    if (!credential) {
      if (isApi(request.path)) throw new HttpError(403, "Forbidden", "authentication");
      if (request.method !== "GET" && request.method !== "HEAD")
        throw new HttpError(403, "Forbidden", "authentication");
      response.redirect(302, `/login?next=${encodeURIComponent(withoutToken(request.originalUrl))}`);
      return;
    }
    if (credential === "cookie") {
      const site = request.headers["sec-fetch-site"];
      const navigates = request.headers["sec-fetch-mode"] === "navigate" && request.method === "GET";
      if (site !== undefined && site !== "same-origin" && site !== "none" && !navigates)
        throw new HttpError(403, "Requests from other sites are refused.", "origin");
      if (!["GET", "HEAD", "OPTIONS"].includes(request.method))
        this.checkXsrf(request, request.get("x-xsrftoken") ?? request.get("x-csrftoken"));
    }
    if (!isApi(request.path) && request.method === "GET") {
      this.xsrf(request, response);
      if (credential === "token" && request.query.token !== undefined) {
        this.openSession(response);
        // A browser goes on without the token, so that it stays out of bookmarks, history and Referer.
        if (request.headers["sec-fetch-mode"] === "navigate") {
          response.redirect(302, withoutToken(request.originalUrl));
          return;
        }
      }
    }
    next();
  };

  #setCookie(
    response: Response,
    name: string,
    value: string,
    options: { httpOnly?: boolean; maxAgeSeconds?: number },
  ): void {
    response.append("Set-Cookie", serializeCookie(name, value, { ...options, secure: response.req.secure }));
  }
}

/** The token that a request carries, whether or not it is the right one. */
function tokenOf(request: IncomingMessage): string | undefined {
  const header = /^(?:token|bearer)\s+(\S+)\s*$/i.exec(request.headers.authorization ?? "");
  if (header) return header[1];
  const query = request.url?.indexOf("?") ?? -1;
  return query < 0 ? undefined : (new URLSearchParams(request.url!.slice(query + 1)).get("token") ?? undefined);
}

function isApi(path: string): boolean {
  return /^\/(?:api|lab\/api|kernelspecs|lsp)(?:\/|$)/.test(path);
}

/** A local URL without its `token` parameter. */
function withoutToken(url: string): string {
  const [path, query] = [url.split("?", 1)[0]!, url.slice(url.indexOf("?") + 1)];
  if (!url.includes("?")) return path;
  const parameters = new URLSearchParams(query);
  parameters.delete("token");
  const rest = parameters.toString();
  return rest ? `${path}?${rest}` : path;
}
