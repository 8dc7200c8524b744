import type { IncomingMessage } from "node:http";
import type { RequestHandler, Response } from "express";
import { HttpError } from "../api/errors.ts";
import { clientOf, senderOf } from "./client.ts";
import { parseCookies, serializeCookie } from "./cookies.ts";
import { isSameOrigin, type KnownHosts } from "./origin.ts";
import type { PasswordFile } from "./password.ts";
import { dataPolicy, type RemoteContent, setCommonHeaders, strangerPolicy } from "./policy.ts";
import { RateLimit, tooMany } from "./rate-limit.ts";
import { equalSecrets, fingerprint, randomSecret } from "./secrets.ts";
import { type SessionCookies, sessionLifeMs } from "./sessions.ts";

/** How a request proved who it is. */
export type Credential = "token" | "cookie";

export interface AuthenticationOptions {
  /** Who knows it may do everything. Random without it; a random one cannot be guessed, a chosen one perhaps. */
  token: string | undefined;
  password: PasswordFile;
  sessions: SessionCookies;
  hosts: KnownHosts;
  /** The address under which the server is reached, with slashes at both ends. */
  baseUrl: string;
  remote: RemoteContent;
}

const xsrfCookie = "_xsrf";

/** Wrong tokens in a minute after which an address has to wait. Stale pages of an earlier server send some. */
const maxWrongTokens = 60;

/** Paths that answer without a credential; everything else needs one. */
const openPaths = [/^\/api\/?$/, /^\/login\/?$/, /^\/logout\/?$/, /^\/static\//, /^\/favicon\.ico$/];

/**
 * Decides who may do what. A request is let in by the server's token (`Authorization: token X`, `Bearer X` or
 * `?token=X`) or by the session cookie that a visit with the token, or the login page, sets. Writes under a cookie must
 * also show that a page of ours sent them (`X-XSRFToken` repeats the `_xsrf` cookie).
 */
export class Authentication {
  readonly token: string;
  readonly #options: AuthenticationOptions;
  readonly #wrongTokens = new RateLimit(maxWrongTokens);
  /** Set once the port is known: servers on one machine share a cookie jar, so the name tells them apart. */
  cookieName = "cirlab-session";

  constructor(options: AuthenticationOptions) {
    this.#options = options;
    this.token = options.token ?? randomSecret();
  }

  /** The credential that a request carries, if it is valid. */
  credential(request: IncomingMessage): Credential | undefined {
    const given = tokenOf(request);
    if (given !== undefined && equalSecrets(given, this.token)) return "token";
    const session = parseCookies(request.headers.cookie).get(this.cookieName);
    return session !== undefined && this.#options.sessions.isValid(session, this.#purpose) ? "cookie" : undefined;
  }

  /** Whether a token that came elsewhere than in the request's head is the right one. Wrong ones count as there. */
  isToken(given: string, request: IncomingMessage): boolean {
    return this.#waitFor(given, request) === 0 && equalSecrets(given, this.token);
  }

  /** Whether the text that somebody gave to log in is the token or the password. */
  async matches(given: string): Promise<boolean> {
    return equalSecrets(given, this.token) || this.#options.password.matches(given);
  }

  get hasPassword(): boolean {
    return this.#options.password.isSet;
  }

  /** Why a websocket may not open; undefined when it may. A page of another site is refused whatever it knows. */
  upgradeRefusal(request: IncomingMessage): 403 | 429 | undefined {
    if (!isSameOrigin(request)) return 403;
    if (this.#waitFor(tokenOf(request), request) > 0) return 429;
    const credential = this.credential(request);
    // A browser always names the origin of a websocket, and only a browser has our cookie.
    const isLetIn = credential === "token" || (credential === "cookie" && request.headers.origin !== undefined);
    return isLetIn ? undefined : 403;
  }

  isKnownHost(request: IncomingMessage): boolean {
    return this.#options.hosts.has(request.headers.host);
  }

  /** Gives the browser a session cookie. */
  openSession(response: Response): void {
    const session = this.#options.sessions.issue(this.#purpose);
    this.#setCookie(response, this.cookieName, session, { httpOnly: true, maxAgeSeconds: sessionLifeMs / 1000 });
  }

  /** Ends the browser's session, here and there. */
  async closeSession(request: IncomingMessage, response: Response): Promise<void> {
    const { sessions } = this.#options;
    const session = parseCookies(request.headers.cookie).get(this.cookieName);
    if (session !== undefined && sessions.isValid(session, this.#purpose)) await sessions.end(session);
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
    const { path, method } = request;
    setCommonHeaders(response);
    response.setHeader("Content-Security-Policy", isApi(path) ? dataPolicy : strangerPolicy(this.#options.remote));
    if (isApi(path)) response.setHeader("Cache-Control", "no-store");
    refuseOtherSites(request.headers, method, path);
    if (openPaths.some((open) => open.test(path))) return next();

    const wait = this.#waitFor(tokenOf(request), request);
    if (wait > 0) throw tooMany(response, wait, "Too many wrong tokens. Wait a minute and try again.");
    const credential = this.credential(request);
    if (!credential) {
      if (isApi(path) || !["GET", "HEAD"].includes(method)) throw new HttpError(403, "Forbidden", "authentication");
      response.redirect(302, `/login?next=${encodeURIComponent(withoutToken(request.originalUrl))}`);
      return;
    }
    if (credential === "cookie" && !["GET", "HEAD", "OPTIONS"].includes(method))
      this.checkXsrf(request, request.get("x-xsrftoken") ?? request.get("x-csrftoken"));
    if (!isApi(path) && method === "GET") {
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

  /**
   * Seconds that a request with this token has to wait because its sender tried too many tokens. Counts a wrong one. One that is right
   * need not wait if it was drawn at random: then nobody found it by trying.
   */
  #waitFor(given: string | undefined, request: IncomingMessage): number {
    if (given === undefined) return 0;
    const isRight = equalSecrets(given, this.token);
    if (isRight && this.#options.token === undefined) return 0;
    const sender = senderOf(request);
    const wait = this.#wrongTokens.waitOf(sender);
    if (wait === 0 && !isRight) this.#wrongTokens.count(sender);
    return wait;
  }

  /** What a session cookie is good for: this server, as long as its password and its chosen token stay. */
  get #purpose(): string {
    const { token, password } = this.#options;
    const chosen = token === undefined ? "" : fingerprint(token).toString("hex");
    return `${this.cookieName} ${password.stamp} ${chosen}`;
  }

  #setCookie(
    response: Response,
    name: string,
    value: string,
    options: { httpOnly?: boolean; maxAgeSeconds?: number },
  ): void {
    const { secure } = clientOf(response.req);
    response.append("Set-Cookie", serializeCookie(name, value, { ...options, secure, path: this.#options.baseUrl }));
  }
}

/**
 * Refuses what a page of another site asks for, whatever credential comes with it: only following a link to a page is
 * everyone's right.
 */
function refuseOtherSites(headers: IncomingMessage["headers"], method: string, path: string): void {
  const site = headers["sec-fetch-site"];
  if (site === undefined || site === "same-origin" || site === "none") return;
  const follows = headers["sec-fetch-mode"] === "navigate" && (method === "GET" || method === "HEAD");
  if (!follows || isApi(path) || /^\/logout\/?$/.test(path))
    throw new HttpError(403, "Requests from other sites are refused.", "origin");
}

/** The token that a request carries, whether or not it is the right one. */
function tokenOf(request: IncomingMessage): string | undefined {
  const header = /^(?:token|bearer)\s+(\S+)\s*$/i.exec(request.headers.authorization ?? "");
  if (header) return header[1];
  const query = request.url?.indexOf("?") ?? -1;
  return query < 0 ? undefined : (new URLSearchParams(request.url!.slice(query + 1)).get("token") ?? undefined);
}

/** Whether a path is one of endpoints for programs, which are not sent to the login page. */
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
