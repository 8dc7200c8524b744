import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { WorkspaceManager } from "@jupyterlab/services";
import express from "express";
import { RootFolder } from "../../server/api/contents/paths.ts";
import { applicationRouter } from "../../server/application/router.ts";
import { startServer, type TestServer } from "../server/server.ts";

/** A page as a browser that is logged in gets it. */
const page = (server: TestServer, path: string): Promise<Response> =>
  server.raw(path, { headers: { Authorization: `token ${server.token}` } });

test("pages carry their configuration, and no path can end its script", async (t) => {
  const server = await startServer(t);
  const hostile = "</script><script>alert(1)</script>";
  for (const [path, name] of [
    ["/tree", "tree"],
    ["/notebooks/a.ipynb", "notebooks"],
    ["/edit/a.txt", "edit"],
    ["/consoles/a", "consoles"],
    [`/tree/${encodeURIComponent(hostile)}`, "tree"],
  ] as const) {
    const response = await page(server, path);
    assert.equal(response.status, 200, path);
    const html = await response.text();
    const json = /<script id="jupyter-config-data" type="application\/json">(.*?)<\/script>/.exec(html)![1]!;
    const config = JSON.parse(json) as Record<string, string>;
    assert.equal(config.notebookPage, name);
    assert.equal(config.token, "");
    assert.doesNotMatch(html, /\{\{/);
    assert.ok(!html.includes(hostile));
    if (path.includes("%3C")) assert.equal(config.treePath, hostile);
  }
});

test("an address leads to the page that fits the file", async (t) => {
  const server = await startServer(t);
  await mkdir(join(server.root, "a folder"));
  await writeFile(join(server.root, "a folder", "b.ipynb"), "{}");
  await writeFile(join(server.root, "text.txt"), "text");
  const location = async (path: string): Promise<string | null> => (await page(server, path)).headers.get("location");
  assert.equal(await location("/"), "/tree");
  assert.equal(await location("/tree/a%20folder"), null);
  assert.equal(await location("/notebooks/a%20folder"), "/tree/a%20folder");
  assert.equal(await location("/tree/a%20folder/b.ipynb"), "/notebooks/a%20folder/b.ipynb");
  assert.equal(await location("/tree/text.txt"), "/files/text.txt");
  assert.equal(await location("/tree/..%2f..%2f..%2fetc%2fpasswd"), null);
});

test("assets are cached for good, compressed where possible, and nothing else leaves the folder", async (t) => {
  const server = await startServer(t);
  const html = await (await page(server, "/tree")).text();
  const script = /src="(\/static\/assets\/index-[^"]+\.js)"/.exec(html)![1]!;
  const response = await server.raw(script);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("cache-control")!, /immutable/);
  assert.equal(response.headers.get("content-encoding"), "gzip");
  assert.match(response.headers.get("content-type")!, /javascript/);
  const plain = await server.raw(script, { headers: { "accept-encoding": "identity" } });
  assert.equal(plain.headers.get("content-encoding"), null);
  assert.equal(await plain.text(), await response.text());
  for (const path of ["/static/favicon.svg", "/lab/api/themes/@jupyterlab/theme-dark-extension/index.css"])
    assert.equal((await page(server, path)).status, 200, path);
  for (const path of ["/static/assets/none.js", "/static/..%2f..%2fpackage.json", "/static/assets/..%2f..%2f.web"])
    assert.ok([403, 404].includes((await page(server, path)).status), path);
});

test("settings are kept as the user typed them, for known plugins only", async (t) => {
  const server = await startServer(t);
  const id = "@jupyterlab/apputils-extension:themes";
  const all = (await (await server.api("GET", "/lab/api/settings")).json()) as { settings: { id: string }[] };
  assert.ok(all.settings.length > 40);
  const ids = (await (await server.api("GET", "/lab/api/settings?ids_only=true")).json()) as { settings: object[] };
  assert.deepEqual(Object.keys(ids.settings[0]!), ["id"]);

  const raw = '{\n  // dark at night\n  "theme": "JupyterLab Dark",\n}';
  const path = `/lab/api/settings/${id}`;
  const before = (await (await server.api("GET", path)).json()) as Record<string, unknown>;
  assert.equal(before.raw, "{}");
  assert.equal(before.last_modified, null);
  assert.equal((await server.api("PUT", path, { raw })).status, 204);
  const after = (await (await server.api("GET", path)).json()) as Record<string, unknown>;
  assert.equal(after.raw, raw);
  assert.equal(typeof after.last_modified, "string");
  const file = join(server.root, "../user/settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings");
  assert.equal(await readFile(file, "utf8"), raw);

  assert.equal((await server.api("PUT", path, { raw: 7 })).status, 400);
  assert.equal((await server.api("PUT", path)).status, 400);
  for (const unknown of ["@a/b:c", "..%2f..%2fevil", "__proto__", "constructor"]) {
    assert.equal((await server.api("PUT", `/lab/api/settings/${unknown}`, { raw })).status, 404, unknown);
    assert.equal((await server.api("GET", `/lab/api/settings/${unknown}`)).status, 404, unknown);
  }
  assert.equal(await readFile(file, "utf8"), raw);
});

test("workspaces are saved, listed and removed by JupyterLab's own client", async (t) => {
  const server = await startServer(t);
  const workspaces = new WorkspaceManager({ serverSettings: { ...server.settings, appUrl: "lab" } });
  assert.deepEqual((await workspaces.list()).ids, []);
  assert.deepEqual((await workspaces.fetch("new")).data, {});
  for (const id of ["default", "a/b c", "ünï"])
    await workspaces.save(id, { data: { "layout:data": { main: id } }, metadata: { id } });
  assert.deepEqual((await workspaces.list()).ids.sort(), ["a/b c", "default", "ünï"].sort());
  assert.deepEqual((await workspaces.fetch("a/b c")).data, { "layout:data": { main: "a/b c" } });
  await workspaces.remove("a/b c");
  assert.deepEqual((await workspaces.list()).ids.sort(), ["default", "ünï"].sort());
  await assert.rejects(workspaces.remove("a/b c"), /no workspace a\/b c/);
  // A file that is damaged keeps nobody from the others.
  await writeFile(join(server.root, "../user/workspaces/broken.jupyterlab-workspace"), "{");
  assert.deepEqual((await workspaces.list()).ids.sort(), ["default", "ünï"].sort());
  const wrong = { data: {}, metadata: { id: "other" } };
  assert.equal((await server.api("PUT", "/lab/api/workspaces/default", wrong)).status, 400);
});

test("without a build the page says what to do", async (t) => {
  const app = express();
  const folder = "/nonexistent";
  const root = await RootFolder.open(tmpdir());
  const folders = { settingsFolder: folder, workspacesFolder: folder, webFolder: folder };
  app.use(applicationRouter({ root, baseUrl: "/", remote: { allowed: false }, ...folders }));
  const server = app.listen(0, "127.0.0.1");
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const response = await fetch(`http://127.0.0.1:${port}/tree`);
  assert.equal(response.status, 503);
  assert.match(await response.text(), /npm run build/);
});
