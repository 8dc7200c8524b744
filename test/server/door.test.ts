import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { KernelManager, ServerConnection } from "@jupyterlab/services";
import { io } from "socket.io-client";
import WebSocket from "ws";
import { KnownHosts } from "../../server/auth/origin.ts";
import { parseBaseUrl } from "../../server/door/base-url.ts";
import { readTlsPair } from "../../server/door/tls.ts";
import { until } from "../until.ts";
import { cert, key, otherKey } from "./certificate.ts";
import { cookieHeader, cookiesOf } from "./cookies.ts";
import { startProxy } from "./proxy.ts";
import { sendRaw, wire } from "./raw.ts";
import { startServer } from "./server.ts";

/** Whether a websocket opens, or the status of its refusal. */
function opens(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { headers, rejectUnauthorized: false });
    socket.once("open", () => {
      socket.terminate();
      resolve(101);
    });
    socket.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
    socket.once("error", () => undefined);
  });
}

const events = "api/events/subscribe";

describe("behind a proxy, under a base URL", () => {
  it("pages, files, API, websockets, live channel, redirects and cookies stay under it", async (t) => {
    const server = await startServer(t, { baseUrl: "user/x" });
    const proxy = await startProxy(t, { port: server.port, headers: () => ({}) });
    const base = `${proxy.url}/user/x/`;
    assert.equal(server.url, `http://127.0.0.1:${server.port}/user/x`);
    const get = (path: string, init: RequestInit = {}): Promise<Response> =>
      fetch(new URL(path, base), { redirect: "manual", ...init });

    assert.equal((await get("/user/x")).headers.get("location"), "/user/x/");
    assert.equal((await get("/")).headers.get("location"), "/user/x/");
    assert.equal((await get("/api")).status, 404, "nothing is served beside it");
    assert.equal((await get("/user/xyz/api")).status, 404);
    assert.equal((await get("api")).status, 200);
    const toLogin = await get("notebooks/a.ipynb");
    assert.equal(toLogin.headers.get("location"), `/user/x/login?next=${encodeURIComponent("/notebooks/a.ipynb")}`);

    const form = await get("login?next=/user/x/edit/a.txt");
    const cookies = cookiesOf(form);
    for (const cookie of form.headers.getSetCookie()) assert.match(cookie, /; Path=\/user\/x\/;/);
    const action = /action="([^"]+)"/.exec(await form.text())![1]!;
    const entered = await get(action, {
      method: "POST",
      headers: { Cookie: cookieHeader(cookies), Origin: proxy.url },
      body: new URLSearchParams({ password: server.token, _xsrf: cookies._xsrf! }),
    });
    assert.equal(entered.headers.get("location"), "/user/x/edit/a.txt");
    const session = entered.headers.getSetCookie().find((cookie) => cookie.startsWith("cirlab-session"))!;
    assert.match(session, /; Path=\/user\/x\/; SameSite=Lax; HttpOnly; Max-Age=/);
    const Cookie = cookieHeader({ ...cookies, ...cookiesOf(entered) });

    const page = await get("tree", { headers: { Cookie } });
    const html = await page.text();
    assert.match(html, /"baseUrl":"\/user\/x\/"/);
    const script = /src="([^"]+\.js)"/.exec(html)![1]!;
    assert.match(script, /^\/user\/x\/static\//);
    assert.equal((await get(script)).status, 200);
    assert.match(
      page.headers.get("content-security-policy")!,
      new RegExp(`script-src 127.0.0.1:${proxy.port}/user/x/static/ `),
    );

    const made = await get("api/contents", {
      method: "POST",
      headers: { Cookie, "X-XSRFToken": cookies._xsrf!, Origin: proxy.url },
      body: '{"type":"notebook"}',
    });
    assert.equal(made.status, 201);
    assert.equal(made.headers.get("location"), "/user/x/api/contents/Untitled.ipynb");
    assert.equal(
      (await get("tree/Untitled.ipynb", { headers: { Cookie } })).headers.get("location"),
      "/user/x/notebooks/Untitled.ipynb",
    );
    const specs = (await (await get("api/kernelspecs", { headers: { Cookie } })).json()) as {
      kernelspecs: Record<string, { resources: Record<string, string> }>;
    };
    for (const resource of Object.values(specs.kernelspecs.cirlab!.resources))
      assert.equal((await get(resource, { headers: { Cookie } })).status, 200, resource);

    const ws = base.replace("http", "ws");
    assert.equal(await opens(ws + events, { Cookie, Origin: proxy.url }), 101);
    assert.equal(await opens(ws + events, { Cookie, Origin: "http://evil.example" }), 403);
    assert.equal(await opens(`${proxy.url.replace("http", "ws")}/${events}`, { Cookie, Origin: proxy.url }), 404);
    const live = io(proxy.url, { path: "/user/x/socket.io", extraHeaders: { Cookie, Origin: proxy.url } });
    server.before(() => live.disconnect());
    await new Promise((resolve, reject) => {
      live.on("connect", () => resolve(undefined));
      live.on("connect_error", reject);
    });
  });

  it("JupyterLab's client runs a kernel through it, and the kernel finds the live channel", async (t) => {
    const server = await startServer(t, { baseUrl: "/user/x/" });
    const proxy = await startProxy(t, { port: server.port, headers: () => ({}) });
    const serverSettings = ServerConnection.makeSettings({
      ...server.settings,
      baseUrl: `${proxy.url}/user/x/`,
      wsUrl: `${proxy.url.replace("http", "ws")}/user/x/`,
    });
    const manager = new KernelManager({ serverSettings });
    server.before(() => manager.dispose());
    const kernel = await manager.startNew({ name: "cirlab" });
    const future = kernel.requestExecute({ code: "process.env.CIRLAB_LIVE_URL" });
    let url = "";
    future.onIOPub = (message) => {
      if (message.header.msg_type === "execute_result")
        url = String((message.content as { data: Record<string, unknown> }).data["text/plain"]).replace(/['"]/g, "");
    };
    await future.done;
    const publisher = io(url, { auth: { token: server.publisherToken, role: "publisher" }, transports: ["websocket"] });
    server.before(() => publisher.disconnect());
    await until(() => publisher.connected);
    // What is open to kernels of this machine leads to nothing else.
    assert.equal((await fetch(`${url}/api`)).status, 403);
    assert.equal((await fetch(`${url}/user/x/api`)).status, 403);
    await kernel.shutdown();
  });

  it("believes a proxy only when told to, and then its word on host, scheme and address", async (t) => {
    const said = {
      "X-Forwarded-Host": "lab.example.org",
      "X-Forwarded-Proto": "https",
      "X-Forwarded-For": "spoofed, 203.0.113.9",
    };
    const visit = async (options: object): Promise<Response> => {
      const server = await startServer(t, { allowedHosts: [".example.org"], ...options });
      const proxy = await startProxy(t, { port: server.port, headers: () => said });
      return fetch(`${proxy.url}/tree?token=${server.token}`, { headers: { Origin: "https://lab.example.org" } });
    };
    const trusted = await visit({ trustProxy: true });
    assert.match(trusted.headers.get("content-security-policy")!, /script-src lab\.example\.org\/static\/ /);
    for (const cookie of trusted.headers.getSetCookie()) assert.match(cookie, /; Secure/);
    const untrusted = await visit({});
    assert.match(untrusted.headers.get("content-security-policy")!, /script-src 127\.0\.0\.1:\d+\/static\/ /);
    for (const cookie of untrusted.headers.getSetCookie()) assert.doesNotMatch(cookie, /; Secure/);
  });

  it("counts guesses by the client that the proxy names", async (t) => {
    const server = await startServer(t, { trustProxy: true, token: "hunter22" });
    const guess = (client: string): Promise<number> =>
      sendRaw(server.port, wire("GET", "/api/me?token=wrong", { "X-Forwarded-For": client })).then((a) => a.status);
    await Promise.all(Array.from({ length: 60 }, () => guess("203.0.113.9")));
    assert.equal(await guess("203.0.113.9"), 429);
    assert.equal(
      await guess("198.51.100.1, 203.0.113.9"),
      429,
      "what stands before the proxy's own word does not count",
    );
    assert.equal(await guess("198.51.100.1"), 403);
  });

  it("refuses a base URL that is none", () => {
    assert.equal(parseBaseUrl("user/x"), "/user/x/");
    assert.equal(parseBaseUrl("/"), "/");
    assert.equal(parseBaseUrl("//a//b"), "/a/b/");
    for (const wrong of ["/a/../b", "http://a", "/a?b", "/a b", "/a;b", "/<a>"])
      assert.throws(() => parseBaseUrl(wrong), /base URL must be a path/, wrong);
  });
});

describe("names under which the server is asked for", () => {
  it("knows this machine's, and those that were allowed", () => {
    const local = new KnownHosts("127.0.0.1", ["lab.example.org", ".proxy.example"]);
    for (const name of [
      "localhost",
      "localhost:8888",
      "127.0.0.1:1",
      "[::1]:8",
      "lab.example.org:443",
      "a.proxy.example",
    ])
      assert.ok(local.has(name), name);
    for (const name of [
      undefined,
      "",
      "evil.example",
      "xlab.example.org",
      "proxy.example",
      "192.168.1.5",
      "localhost.evil.example",
      "localhost/x",
      "a b",
    ])
      assert.ok(!local.has(name), name);
    const open = new KnownHosts("0.0.0.0");
    for (const name of ["192.168.1.5:8888", "[fe80::1]", "localhost"]) assert.ok(open.has(name), name);
    assert.ok(!open.has("evil.example"));
  });
});

describe("TLS", () => {
  it("serves https and wss, with secure cookies, and kernels reach the live channel without it", async (t) => {
    const server = await startServer(t, { tls: { cert, key } });
    assert.match(server.url, /^https:/);
    const answer = await new Promise<{ status: number; cookies: string[] }>((resolve, reject) => {
      httpsRequest(`${server.url}/tree?token=${server.token}`, { ca: cert }, (response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0, cookies: response.headers["set-cookie"] ?? [] });
      })
        .on("error", reject)
        .end();
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.cookies.length, 2);
    for (const cookie of answer.cookies) assert.match(cookie, /; Secure/);
    const url = `${server.url.replace("https", "wss")}/${events}`;
    const Cookie = answer.cookies.map((cookie) => cookie.split(";")[0]).join("; ");
    assert.equal(await opens(url, { Cookie, Origin: server.url }), 101);
    assert.equal(await opens(url, { Cookie, Origin: server.url.replace("https", "http") }), 403);
    assert.equal((await sendRaw(server.port, wire("GET", "/api"))).status, 0, "plain HTTP gets no answer");
  });

  it("refuses a pair that does not fit, in words", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "cirlab-tls-"));
    t.after(() => rm(folder, { recursive: true }));
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    const [certFile, keyFile] = [await file("cert.pem", cert), await file("key.pem", key)];
    assert.deepEqual(await readTlsPair(certFile, keyFile), { cert, key });
    const both = await file("both.pem", cert + key);
    assert.equal((await readTlsPair(both)).cert, cert + key);
    await assert.rejects(readTlsPair(certFile, await file("other.pem", otherKey)), /is not that of the certificate/);
    await assert.rejects(readTlsPair(keyFile, keyFile), /holds no certificate in PEM form/);
    await assert.rejects(readTlsPair(certFile, certFile), /holds no private key/);
    await assert.rejects(readTlsPair(join(folder, "none.pem"), keyFile), /certificate .*none\.pem cannot be read/);
  });
});
