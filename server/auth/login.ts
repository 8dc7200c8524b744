import express, { type Router } from "express";
import { limitLength } from "../api/bodies.ts";
import { HttpError } from "../api/errors.ts";
import type { Authentication } from "./authentication.ts";
import { senderOf } from "./client.ts";
import { loginPage } from "./login-page.ts";
import { formPolicy, newNonce } from "./policy.ts";
import { RateLimit, tooMany } from "./rate-limit.ts";

/** Wrong guesses in a minute after which an address has to wait. */
const maxFailures = 10;

/** Larger than any form of ours. */
const maxFormBytes = 16 * 1024;

/** Longer than any form of ours takes to arrive. */
const bodyTimeoutMs = 15_000;

export interface LoginOptions {
  /** The address under which the server is reached, with slashes at both ends. */
  baseUrl: string;
  /** Milliseconds within which the form's fields have to arrive; strangers may send them. Default 15,000. */
  bodyTimeoutMs?: number;
}

/** GET and POST /login (fields `password` = the token or password, `_xsrf`; query `next`), and /logout. */
export function loginRouter(authentication: Authentication, options: LoginOptions): Router {
  const { baseUrl } = options;
  const router = express.Router();
  const failures = new RateLimit(maxFailures);

  const show: (...given: [request: express.Request, response: express.Response, problem?: string]) => void = (
    request,
    response,
    problem,
  ) => {
    const nonce = newNonce();
    response.setHeader("Content-Security-Policy", formPolicy(nonce));
    response.setHeader("Cache-Control", "no-store");
    const next = localTarget(request.query.next, baseUrl);
    const action = `${baseUrl}login?next=${encodeURIComponent(next)}`;
    const xsrf = authentication.xsrf(request, response);
    response
      .type("html")
      .send(loginPage({ action, xsrf, nonce, takesPassword: authentication.hasPassword, problem: problem ?? "" }));
  };

  router.get("/login", (request, response) => {
    if (authentication.credential(request)) return response.redirect(302, localTarget(request.query.next, baseUrl));
    show(request, response);
  });

  router.post("/login", (request, response, next) => {
    const timer = setTimeout(() => {
      response.setHeader("Connection", "close");
      next(new HttpError(408, "The form did not arrive in time."));
    }, options.bodyTimeoutMs ?? bodyTimeoutMs);
    request.once("close", () => clearTimeout(timer));
    next();
  });
  router.post("/login", limitLength(maxFormBytes), express.urlencoded({ extended: false, limit: maxFormBytes }));
  router.post("/login", async (request, response) => {
    const body = (request.body ?? {}) as Record<string, unknown>;
    const field = (name: string): string => (typeof body[name] === "string" ? body[name] : "");
    authentication.checkXsrf(request, field("_xsrf") || request.get("x-xsrftoken"));
    const sender = senderOf(request);
    const wait = failures.waitOf(sender);
    if (wait > 0) throw tooMany(response, wait, "Too many wrong guesses. Wait a minute and try again.");
    // Counted before it is looked at, so that guesses sent at once count each.
    failures.count(sender);
    if (!(await authentication.matches(field("password")))) {
      response.status(401);
      show(request, response, authentication.hasPassword ? "That is neither the password nor the token." : wrongToken);
      return;
    }
    failures.forget(sender);
    authentication.openSession(response);
    response.redirect(302, localTarget(request.query.next ?? body.next, baseUrl));
  });

  router.get("/logout", async (request, response) => {
    await authentication.closeSession(request, response);
    response.redirect(302, "/login");
  });
  return router;
}

const wrongToken = "That is not the token.";

/** A path on this server to go on to; anything that could lead elsewhere becomes the file list. */
function localTarget(next: unknown, baseUrl: string): string {
  if (typeof next !== "string" || !/^\/(?![/\\])/.test(next) || /[\\\s\x00-\x1f]/.test(next)) return "/tree";
  const inside = next.startsWith(baseUrl) ? next.slice(baseUrl.length - 1) : next;
  return /^\/\//.test(inside) ? "/tree" : inside;
}
