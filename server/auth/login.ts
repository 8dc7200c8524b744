import express, { type Router } from "express";
import { HttpError } from "../api/errors.ts";
import type { Authentication } from "./authentication.ts";
import { equalSecrets } from "./secrets.ts";

/** Wrong tokens that one address may send within `windowMs` before it has to wait. */
const maxFailures = 10;
const windowMs = 60_000;

/** GET and POST /login (fields `password` = the token, `_xsrf`; query `next`), and /logout. */
export function loginRouter(authentication: Authentication): Router {
  const router = express.Router();
  const failures = new Map<string, number[]>();

  router.get("/login", (request, response) => {
    const next = localTarget(request.query.next);
    if (authentication.credential(request)) return response.redirect(302, next);
    response.send(page(next, authentication.xsrf(request, response)));
  });

  router.post("/login", express.urlencoded({ extended: false, limit: "16kb" }), (request, response) => {
    const body = (request.body ?? {}) as Record<string, unknown>;
    const field = (name: string): string => (typeof body[name] === "string" ? body[name] : "");
    authentication.checkXsrf(request, field("_xsrf") || request.get("x-xsrftoken"));
    const next = localTarget(request.query.next ?? body.next);
    const address = request.socket.remoteAddress ?? "";
    const since = Date.now() - windowMs;
    const recent = (failures.get(address) ?? []).filter((at) => at > since);
    if (recent.length >= maxFailures) {
      response.setHeader("Retry-After", String(Math.ceil((recent[0]! - since) / 1000)));
      throw new HttpError(429, "Too many wrong tokens. Wait a minute and try again.", "rate-limit");
    }
    if (!equalSecrets(field("password"), authentication.token)) {
      for (const [known, times] of failures) if (times.at(-1)! <= since) failures.delete(known);
      failures.set(address, [...recent, Date.now()]);
      response.status(401).send(page(next, authentication.xsrf(request, response), "That is not the token."));
      return;
    }
    failures.delete(address);
    authentication.openSession(response);
    response.redirect(302, next);
  });

  router.get("/logout", (request, response) => {
    authentication.closeSession(request, response);
    response.redirect(302, "/login");
  });
  return router;
}

/** A path on this server to go on to; anything that could lead elsewhere becomes the file list. */
function localTarget(next: unknown): string {
  if (typeof next !== "string" || !/^\/(?![/\\])/.test(next) || /[\\\s\x00-\x1f]/.test(next)) return "/tree";
  return next;
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

function page(next: string, xsrf: string, problem = ""): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>CIR Lab: log in</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 12vh auto; padding: 0 1rem; color-scheme: light dark; }
  input, button { font: inherit; padding: .4rem .6rem; }
  input { width: 100%; box-sizing: border-box; margin: .5rem 0 1rem; }
  .problem { color: #c62828; }
</style>
<h1>CIR Lab</h1>
<form method="post" action="/login?next=${escapeHtml(encodeURIComponent(next))}">
  <input type="hidden" name="_xsrf" value="${escapeHtml(xsrf)}">
  <label>Token, as printed where the server was started
    <input type="password" name="password" autofocus autocomplete="current-password" required></label>
  ${problem ? `<p class="problem" role="alert">${escapeHtml(problem)}</p>` : ""}
  <button>Log in</button>
</form>
</html>
`;
}
