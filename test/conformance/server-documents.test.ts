import assert from "node:assert/strict";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  ConfigSection,
  type Contents,
  ContentsManager,
  Drive,
  type Event,
  EventManager,
  NbConvertManager,
  ServerConnection,
  SettingManager,
  UserAPI,
  WorkspaceManager,
} from "@jupyterlab/services";
import { notebook, startServer } from "../server/server.ts";
import { until } from "../until.ts";

// The client of JupyterLab and Notebook, as they use it, on what a server keeps: files, settings, layouts; and on events.
const server = await startServer({ after });
const { settings: serverSettings } = server;
const labSettings = ServerConnection.makeSettings({ ...serverSettings, appUrl: "lab" });
const contents = new ContentsManager({ defaultDrive: new Drive({ serverSettings }), serverSettings });
server.before(() => contents.dispose());

/** The status and the words of what a server refused. */
async function refused(work: Promise<unknown>): Promise<[number, string]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ServerConnection.ResponseError) return [error.response.status, error.message];
    throw error;
  }
  return assert.fail("was not refused");
}

/** What the event bus says, gathered from now on. */
async function listen(t: { after(end: () => void): void }): Promise<{ events: EventManager; heard: Event.Emission[] }> {
  const events = new EventManager({ serverSettings, standby: "never" });
  t.after(() => events.dispose());
  const heard: Event.Emission[] = [];
  events.stream.connect((_, event) => heard.push(event));
  // Connected once its own event comes back.
  await until(async () => {
    await events.emit({ schema_id: fileEvents, version: "1", data: { action: "get", path: "probe" } });
    return heard.length > 0;
  });
  heard.length = 0;
  return { events, heard };
}

const fileEvents = "https://events.jupyter.org/jupyter_server/contents_service/v1";

describe("contents", () => {
  it("are written, listed and read in every type and format", async () => {
    await contents.save("all", { type: "directory" });
    await contents.save("all/a.txt", { type: "file", format: "text", content: "ä\r\n" });
    await contents.save("all/b.bin", { type: "file", format: "base64", content: "AP8B" });
    await contents.save("all/c.ipynb", { type: "notebook", format: "json", content: notebook("1 + 1") });
    const { content } = (await contents.get("all", { content: true })) as { content: Contents.IModel[] };
    assert.deepEqual(content.map(({ name, type, content }) => [name, type, content]).sort(), [
      ["a.txt", "file", null],
      ["b.bin", "file", null],
      ["c.ipynb", "notebook", null],
    ]);
    const text = await contents.get("all/a.txt", { content: true, hash: true });
    assert.equal(text.content, "ä\r\n");
    assert.equal(text.format, "text");
    assert.equal(text.mimetype, "text/plain");
    assert.equal(text.hash_algorithm, "sha256");
    assert.equal((await contents.get("all/a.txt", { content: true, format: "base64" })).content, "w6QNCg==");
    const binary = await contents.get("all/b.bin", { content: true });
    assert.deepEqual([binary.content, binary.format, binary.mimetype], ["AP8B", "base64", "application/octet-stream"]);
    const source = await contents.get("all/c.ipynb", { content: true, type: "file", format: "text" });
    assert.match(source.content as string, /"source": \[\n/);
    const bare = await contents.get("all/c.ipynb", { content: false });
    assert.deepEqual([bare.content, bare.type, bare.writable], [null, "notebook", true]);
    assert.equal((await contents.get("all", { content: false })).content, null);
  });

  it("are made without a name, copied, moved and deleted", async () => {
    const folder = await contents.newUntitled({ type: "directory" });
    const file = await contents.newUntitled({ path: folder.path, type: "file", ext: "txt" });
    assert.match(file.path, /^Untitled Folder\/untitled\.?txt$/);
    const copy = await contents.copy(file.path, folder.path);
    assert.match(copy.name, /-Copy1/);
    const moved = await contents.rename(copy.path, "moved.txt");
    assert.equal(moved.path, "moved.txt");
    const changes: Contents.IChangedArgs[] = [];
    contents.fileChanged.connect((_, change) => changes.push(change));
    await contents.delete(file.path);
    await contents.delete(folder.path);
    assert.deepEqual(
      changes.map(({ type }) => type),
      ["delete", "delete"],
    );
    assert.equal((await refused(contents.get(folder.path)))[0], 404);
  });

  it("have a checkpoint that is made, listed, restored and deleted", async () => {
    const save = (content: string): Promise<unknown> =>
      contents.save("kept.txt", { type: "file", format: "text", content });
    await save("first");
    const { id } = await contents.createCheckpoint("kept.txt");
    await save("second");
    assert.deepEqual(
      (await contents.listCheckpoints("kept.txt")).map((each) => each.id),
      [id],
    );
    await contents.restoreCheckpoint("kept.txt", id);
    assert.equal((await contents.get("kept.txt", { content: true })).content, "first");
    await contents.deleteCheckpoint("kept.txt", id);
    assert.deepEqual(await contents.listCheckpoints("kept.txt"), []);
    assert.equal((await refused(contents.restoreCheckpoint("kept.txt", id)))[0], 404);
  });

  it("are refused with Jupyter's statuses", async () => {
    await contents.save("taken.txt", { type: "file", format: "text", content: "" });
    await mkdir(join(server.root, "full"), { recursive: true });
    await writeFile(join(server.root, "full/x"), "\xff", "latin1");
    const text = { type: "file", format: "text", content: "x" } as const;
    const cases: [() => Promise<unknown>, number, RegExp][] = [
      [() => contents.get("none.txt"), 404, /No such file or directory: none\.txt/],
      [() => contents.get("full", { type: "file" }), 400, /is a directory, not a file/],
      [() => contents.get("taken.txt", { type: "directory" }), 400, /is not a directory/],
      [() => contents.get("taken.txt", { content: true, type: "notebook" }), 400, /Unreadable Notebook/],
      [() => contents.get("full/x", { content: true, format: "text" }), 400, /is not UTF-8 encoded/],
      [() => contents.rename("taken.txt", "full"), 409, /already exists/],
      [() => contents.rename("none.txt", "new.txt"), 404, /No such file/],
      [() => contents.delete("full"), 400, /not empty/],
      [() => contents.save("none/a.txt", text), 404, /No such file/],
      [() => contents.save(".hidden", text), 400, /hidden/],
      [() => contents.save("x.txt", { type: "file", format: "text" }), 400, /No file content provided/],
      [() => contents.save("x.ipynb", { type: "notebook", format: "json", content: {} }), 400, /not valid/],
      [() => contents.createCheckpoint("none.txt"), 404, /No such file/],
    ];
    for (const [work, status, words] of cases) {
      const [given, message] = await refused(work());
      assert.equal(given, status, message);
      assert.match(message, words);
    }
  });

  it("tell when a file was changed by others", async () => {
    const saved = await contents.save("both.txt", { type: "file", format: "text", content: "ours" });
    await writeFile(join(server.root, "both.txt"), "theirs");
    const later = new Date(Date.now() + 5000);
    await utimes(join(server.root, "both.txt"), later, later);
    const seen = await contents.get("both.txt", { content: false, hash: true });
    assert.ok(seen.last_modified > saved.last_modified);
    assert.notEqual(seen.hash, saved.hash);
  });

  it("are found by the paths that people and programs write", async () => {
    await contents.save("deep", { type: "directory" });
    const resolve = async (path: string): Promise<unknown> =>
      (await server.api("GET", `/api/resolvePath?path=${encodeURIComponent(path)}`)).json();
    const found = { resolved: [{ scope: "server", path: "deep" }] };
    assert.deepEqual(await resolve("deep"), found);
    assert.deepEqual(await resolve(join(server.root, "deep")), found);
    for (const path of ["/etc/passwd", "../x", "deep/none", ".hidden"])
      assert.deepEqual(await resolve(path), { resolved: [] });
    assert.equal((await server.api("GET", "/api/resolvePath")).status, 400);
  });
});

describe("events", () => {
  it("of files reach every subscriber, as soon as something was done", async (t) => {
    const [first, second] = [await listen(t), await listen(t)];
    await contents.save("e.txt", { type: "file", format: "text", content: "x" });
    await contents.get("e.txt");
    await contents.rename("e.txt", "f g.txt");
    await contents.copy("f g.txt", "");
    await refused(contents.get("none"));
    await contents.delete("f g.txt");
    const expected = [
      { action: "save", path: "e.txt" },
      { action: "get", path: "e.txt" },
      { action: "rename", path: "f g.txt", source_path: "e.txt" },
      { action: "copy", path: "f g-Copy1.txt", source_path: "f g.txt" },
      { action: "delete", path: "f g.txt" },
    ].map((event) => ({ ...event, schema_id: fileEvents }));
    await until(() => second.heard.some(({ action }) => action === "delete"));
    const own = ({ path }: Event.Emission): boolean => path !== "probe";
    assert.deepEqual(second.heard.filter(own), expected);
    assert.deepEqual(first.heard.filter(own), expected);
  });

  it("are posted by clients, and checked against their schema", async (t) => {
    const { events, heard } = await listen(t);
    await events.emit({ schema_id: fileEvents, version: "1", data: { action: "upload", path: "u" } });
    await until(() => heard.some(({ action }) => action === "upload"));
    for (const event of [
      { schema_id: "https://example.org/none", version: "1", data: {} },
      { schema_id: fileEvents, version: "2", data: { action: "get", path: "x" } },
      { schema_id: fileEvents, version: "1", data: { action: "burn", path: "x" } },
      { schema_id: fileEvents, version: "1", data: { action: "get" } },
    ])
      assert.equal((await server.api("POST", "/api/events", event)).status, 400);
    const missing = await server.api("POST", "/api/events", { schema_id: fileEvents, data: {} });
    assert.match(((await missing.json()) as { message: string }).message, /Missing `version`/);
    const schemas = (await (await server.api("GET", "/api/events/schemas")).json()) as { $id: string }[];
    assert.ok(schemas.some(({ $id }) => $id === fileEvents));
  });
});

describe("what the application keeps", () => {
  it("settings: schemas of the bundled plugins, the user's values, and no other file", async () => {
    const manager = new SettingManager({ serverSettings: labSettings });
    const id = "@jupyterlab/apputils-extension:themes";
    const before = await manager.fetch(id);
    assert.equal(before.id, id);
    assert.ok(before.schema.properties);
    const raw = '{\n  // mine\n  "theme": "JupyterLab Dark"\n}';
    await manager.save(id, raw);
    assert.equal((await manager.fetch(id)).raw, raw);
    const all = await manager.list();
    assert.ok(all.ids.length > 40);
    assert.equal(all.values.find((plugin) => plugin.id === id)?.raw, raw);
    assert.deepEqual((await manager.list("ids")).ids.sort(), all.ids.sort());
    for (const wrong of ["../", "@jupyterlab/none:plugin"]) await assert.rejects(manager.fetch(wrong));
    await assert.rejects(manager.save("../", raw));
  });

  it("workspaces by any name", async () => {
    const manager = new WorkspaceManager({ serverSettings: labSettings });
    const ids = ["lab", "a/b", "ä .x"];
    for (const id of ids) await manager.save(id, { data: { "layout:x": { id } }, metadata: { id } });
    const listed = await manager.list();
    assert.deepEqual(listed.ids.sort(), [...ids].sort());
    assert.deepEqual((await manager.fetch("a/b")).data, { "layout:x": { id: "a/b" } });
    await manager.remove("a/b");
    assert.equal((await refused(manager.remove("a/b")))[0], 404);
    await assert.rejects(manager.save("../", { data: {}, metadata: { id: "../" } }));
  });

  it("configuration sections, merged key by key", async () => {
    const section = await ConfigSection.create({ name: "notebook", serverSettings });
    await section.update({ Cell: { lines: true, other: 1 } });
    await section.update({ Cell: { other: 2 } });
    const again = await ConfigSection.create({ name: "notebook", serverSettings });
    assert.deepEqual(again.data, { Cell: { lines: true, other: 2 } });
  });

  it("themes, translations and listings that the page asks for", async () => {
    for (const path of ["/lab/api/translations", "/lab/api/translations/de", "/lab/api/listings", "/lsp/status"])
      assert.equal((await server.api("GET", path)).status, 200, path);
    const theme = await server.api("GET", "/lab/api/themes/@jupyterlab/theme-light-extension/index.css");
    assert.equal(theme.status, 200);
  });
});

describe("the rest", () => {
  it("says who the user is, and what it may do", async () => {
    const { identity, permissions } = await new UserAPI.UserAPIClient({ serverSettings }).get();
    for (const field of ["username", "name", "display_name"] as const) assert.ok(identity[field]);
    assert.ok(permissions);
    const asked = encodeURIComponent(JSON.stringify({ contents: ["read", "write"] }));
    const answer = (await (await server.api("GET", `/api/me?permissions=${asked}`)).json()) as {
      permissions: Record<string, string[]>;
    };
    assert.deepEqual(answer.permissions.contents, ["read", "write"]);
    assert.equal((await server.api("GET", "/api/me?permissions=[1]")).status, 400);
    assert.equal((await server.api("PATCH", "/api/me", { color: "#123456" })).status, 200);
    assert.equal((await new UserAPI.UserAPIClient({ serverSettings }).get()).identity.color, "#123456");
    assert.equal((await server.api("PATCH", "/api/me", { username: "root" })).status, 400);
  });

  it("lists the formats of export", async () => {
    const formats = await new NbConvertManager({ serverSettings }).getExportFormats();
    assert.equal(formats.html?.output_mimetype, "text/html");
    assert.ok(formats.script && formats.markdown);
  });

  it("ends when a client asks for it", async (t) => {
    const other = await startServer(t);
    assert.equal((await other.api("POST", "/api/shutdown")).status, 200);
    await other.closed;
    await assert.rejects(other.raw("/api"));
  });

  it("describes itself", async () => {
    const status = (await (await server.api("GET", "/api/status")).json()) as Record<string, unknown>;
    assert.deepEqual(Object.keys(status).sort(), ["connections", "kernels", "last_activity", "started"]);
    const { version } = (await (await server.api("GET", "/api")).json()) as { version: string };
    assert.match(version, /^2\./);
    const spec = await (await server.api("GET", "/api/spec.yaml")).text();
    assert.match(spec, /^"openapi": "3\.1\.0"\n/);
    assert.match(spec, /"\/api\/kernels\/\{kernel_id\}\/restart":\n/);
  });
});
