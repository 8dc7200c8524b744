import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { describe, it } from "node:test";
import WebSocket from "ws";
import { cookiesOf, cookieHeader as header, visit } from "./cookies.ts";
import { startServer, type TestServer } from "./server.ts";

/** Status of a websocket's opening; 101 when it opened. */
function upgrade(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { headers });
    socket.once("open", () => {
      socket.terminate();
      resolve(101);
    });
    socket.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
    socket.once("error", () => undefined);
  });
}

describe("who may ask", () => {
  it("lets the token in by header and query, and nobody without", async (t) => {
    const server = await startServer(t);
    const status = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await server.raw(path, { headers })).status;
    assert.equal(await status("/api"), 200);
    for (const path of [
      "/api/contents",
      "/api/kernels",
      "/api/status",
      "/api/me",
      "/lab/api/settings",
      "/kernelspecs/cirlab/x",
    ])
      assert.equal(await status(path), 403, path);
    for (const path of ["/", "/tree", "/notebooks/a.ipynb", "/files/a", "/API/contents", "//api/contents"])
      assert.equal(await status(path), 302, path);
    const answer = await server.raw("/notebooks/a%20b.ipynb?x=1");
    assert.equal(answer.headers.get("location"), `/login?next=${encodeURIComponent("/notebooks/a%20b.ipynb?x=1")}`);
    const refused = await server.raw("/api/contents");
    assert.deepEqual(await refused.json(), { message: "Forbidden", reason: "authentication" });

    assert.equal(await status("/api/contents", { Authorization: `token ${server.token}` }), 200);
    assert.equal(await status("/api/contents", { Authorization: `Bearer ${server.token}` }), 200);
    assert.equal(await status(`/api/contents?token=${server.token}`), 200);
    for (const wrong of ["", "x", server.token.slice(1), `${server.token}0`])
      assert.equal(await status(`/api/contents?token=${wrong}`, { Authorization: `token ${wrong}` }), 403);
    assert.match(server.token, /^[0-9a-f]{48}$/);
  });

  it("gives a browser a cookie at its first visit and takes the token out of the address", async (t) => {
    const server = await startServer(t);
    const navigation = { headers: { "Sec-Fetch-Mode": "navigate" } };
    // fetch owns that header, as a browser does; so this request is made by hand.
    const answer = await new Promise<{ status: number; location: string; cookies: string[] }>((resolve) => {
      httpRequest(`${server.url}/tree/a?token=${server.token}&x=1`, navigation, (response) => {
        response.resume();
        const { location = "", "set-cookie": cookies = [] } = response.headers;
        resolve({ status: response.statusCode ?? 0, location, cookies });
      }).end();
    });
    assert.equal(answer.status, 302);
    assert.equal(answer.location, "/tree/a?x=1");
    const session = answer.cookies.find((cookie) => cookie.startsWith("cirlab-session"))!;
    assert.match(session, /; HttpOnly/);
    assert.match(session, /; SameSite=Lax/);
    const cookies = await visit(server);
    const page = await server.raw("/tree", { headers: { Cookie: header(cookies) } });
    assert.notEqual(page.status, 302);
    assert.match(page.headers.get("content-security-policy") ?? "", /frame-ancestors 'self'/);
    assert.equal((await server.raw("/api/contents", { headers: { Cookie: header(cookies) } })).status, 200);
    const forged = header(cookies).replace(
      /(cirlab-session[^=]*=)(.)/,
      (_, name, first) => `${name}${first === "x" ? "y" : "x"}`,
    );
    assert.equal((await server.raw("/api/contents", { headers: { Cookie: forged } })).status, 403);
  });

  it("takes a write under a cookie only from a page of its own", async (t) => {
    const server = await startServer(t);
    const cookies = await visit(server);
    const post = async (headers: Record<string, string>): Promise<number> => {
      const init = { method: "POST", headers: { Cookie: header(cookies), ...headers }, body: '{"type":"notebook"}' };
      return (await server.raw("/api/contents", init)).status;
    };
    const proof = { "X-XSRFToken": cookies._xsrf! };
    assert.equal(await post({}), 403);
    assert.equal(await post({ "X-XSRFToken": "0".repeat(48) }), 403);
    assert.equal(await post({ ...proof, Origin: "http://evil.example" }), 403);
    assert.deepEqual(await readdir(server.root), [], "nothing was written");
    assert.equal(await post(proof), 201);
    assert.equal(await post({ ...proof, Origin: server.url }), 201);
    assert.equal(
      (await server.api("POST", "/api/contents", { type: "notebook" })).status,
      201,
      "the token needs no proof",
    );
  });

  it("opens websockets for its own pages and for the token, never for other sites", async (t) => {
    const server = await startServer(t);
    const url = `${server.url.replace("http", "ws")}/api/events/subscribe`;
    const Cookie = header(await visit(server));
    assert.equal(await upgrade(url), 403);
    assert.equal(await upgrade(`${url}?token=wrong`), 403);
    assert.equal(await upgrade(`${url}?token=${server.token}`), 101);
    assert.equal(await upgrade(url, { Authorization: `token ${server.token}` }), 101);
    assert.equal(await upgrade(url, { Cookie, Origin: server.url }), 101);
    assert.equal(await upgrade(url, { Cookie }), 403, "a browser would have named the origin");
    assert.equal(await upgrade(url, { Cookie, Origin: "http://evil.example" }), 403);
    assert.equal(await upgrade(`${url}?token=${server.token}`, { Origin: "http://evil.example" }), 403);
    assert.equal(await upgrade(url.replace("subscribe", "other"), { Authorization: `token ${server.token}` }), 404);
    assert.equal(await upgrade(`${url}?token=${server.token}`, { Host: "evil.example" }), 403);
  });

  it("serves only names of this machine when it listens on a loopback address", async (t) => {
    const server = await startServer(t);
    const status = (host: string): Promise<number> =>
      new Promise((resolve) => {
        const headers = { Host: host, Authorization: `token ${server.token}` };
        httpRequest(`${server.url}/api/status`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        }).end();
      });
    for (const host of ["localhost", `localhost:${server.port}`, "127.0.0.1:1", "[::1]:8"])
      assert.equal(await status(host), 200);
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"])
      assert.equal(await status(host), 403);
  });
});

describe("the login page", () => {
  async function open(server: TestServer, next = ""): Promise<{ cookies: Record<string, string>; text: string }> {
    const answer = await server.raw(`/login?next=${encodeURIComponent(next)}`);
    return { cookies: cookiesOf(answer), text: await answer.text() };
  }
  const login = (server: TestServer, cookies: Record<string, string>, fields: object, next = ""): Promise<Response> =>
    server.raw(`/login?next=${encodeURIComponent(next)}`, {
      method: "POST",
      headers: { Cookie: header(cookies) },
      body: new URLSearchParams(fields as Record<string, string>),
    });

  it("logs in with the token, goes on to where one wanted to go, and logs out", async (t) => {
    const server = await startServer(t);
    const { cookies, text } = await open(server, "/notebooks/a.ipynb");
    assert.match(text, /name="_xsrf"/);
    const answer = await login(server, cookies, { password: server.token, _xsrf: cookies._xsrf }, "/notebooks/a.ipynb");
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.get("location"), "/notebooks/a.ipynb");
    const Cookie = header({ ...cookies, ...cookiesOf(answer) });
    assert.equal((await server.raw("/api/contents", { headers: { Cookie } })).status, 200);
    await server.raw("/logout", { headers: { Cookie } });
    assert.equal((await server.raw("/api/contents", { headers: { Cookie } })).status, 403, "the old cookie is dead");
  });

  it("refuses a wrong token, a missing proof, and another site as the next page", async (t) => {
    const server = await startServer(t);
    const { cookies } = await open(server);
    assert.equal((await login(server, cookies, { password: "wrong", _xsrf: cookies._xsrf })).status, 401);
    assert.equal((await login(server, cookies, { password: server.token })).status, 403);
    assert.equal((await login(server, {}, { password: server.token, _xsrf: cookies._xsrf })).status, 403);
    for (const next of [
      "https://evil.example/",
      "//evil.example",
      "/\\evil.example",
      "/\t/evil.example",
      "javascript:alert(1)",
    ]) {
      const answer = await login(server, cookies, { password: server.token, _xsrf: cookies._xsrf }, next);
      assert.equal(answer.headers.get("location"), "/tree", next);
    }
    assert.doesNotMatch((await open(server, '/"><script>')).text, /<script>/);
  });

  it("makes a guesser wait", async (t) => {
    const server = await startServer(t);
    const { cookies } = await open(server);
    const guess = (): Promise<Response> => login(server, cookies, { password: "wrong", _xsrf: cookies._xsrf });
    for (let i = 0; i < 10; i++) assert.equal((await guess()).status, 401);
    const answer = await guess();
    assert.equal(answer.status, 429);
    assert.ok(Number(answer.headers.get("retry-after")) > 0);
    const right = await login(server, cookies, { password: server.token, _xsrf: cookies._xsrf });
    assert.equal(right.status, 429, "also with the right token");
  });
});
