import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Contents, ContentsManager, Drive } from "@jupyterlab/services";
import { notebook, startServer, type TestServer } from "./server.ts";

async function open(t: Parameters<typeof startServer>[0]): Promise<{ server: TestServer; contents: ContentsManager }> {
  const server = await startServer(t);
  const contents = new ContentsManager({
    defaultDrive: new Drive({ serverSettings: server.settings }),
    serverSettings: server.settings,
  });
  return { server, contents };
}

async function refusal(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as { message: string }).message];
}

describe("contents with the JupyterLab client", () => {
  it("creates, saves, reads, renames, copies and deletes", async (t) => {
    const { server, contents } = await open(t);
    const folder = await contents.newUntitled({ type: "directory" });
    assert.equal(folder.path, "Untitled Folder");
    assert.equal((await contents.newUntitled({ type: "directory" })).path, "Untitled Folder 1");
    assert.equal(
      (await contents.newUntitled({ path: folder.path, type: "notebook" })).path,
      "Untitled Folder/Untitled.ipynb",
    );
    const second = await contents.newUntitled({ path: folder.path, type: "notebook" });
    assert.equal(second.path, "Untitled Folder/Untitled1.ipynb");
    const file = await contents.newUntitled({ type: "file", ext: ".ts" });
    assert.equal(file.path, "untitled.ts");

    const renamed = await contents.rename(file.path, "Untitled Folder/grüße & co.ts");
    assert.equal(renamed.path, "Untitled Folder/grüße & co.ts");
    await contents.save(renamed.path, { type: "file", format: "text", content: "const x = 'ä';\n" });
    const read = await contents.get(renamed.path, { content: true, hash: true });
    assert.equal(read.content, "const x = 'ä';\n");
    assert.equal(read.format, "text");
    assert.equal(read.hash, createHash("sha256").update("const x = 'ä';\n").digest("hex"));
    assert.equal((await contents.copy(renamed.path, folder.path)).name, "grüße & co-Copy1.ts");
    assert.equal((await contents.copy(renamed.path, folder.path)).name, "grüße & co-Copy2.ts");
    assert.equal((await contents.copy(renamed.path, "")).path, "grüße & co.ts");

    const listed = (await contents.get(folder.path)) as { content: Contents.IModel[] };
    assert.deepEqual(listed.content.map(({ name }) => name).sort(), [
      "Untitled.ipynb",
      "Untitled1.ipynb",
      "grüße & co-Copy1.ts",
      "grüße & co-Copy2.ts",
      "grüße & co.ts",
    ]);
    await assert.rejects(contents.rename("grüße & co.ts", second.path), /File already exists/);
    await assert.rejects(contents.delete(folder.path), /not empty/);
    await contents.delete("grüße & co.ts");
    await assert.rejects(contents.get("grüße & co.ts"), /No such file or directory/);
    const url = await contents.getDownloadUrl(renamed.path);
    assert.equal(await (await server.api("GET", url.slice(server.url.length))).text(), "const x = 'ä';\n");
  });

  it("keeps a notebook's lines apart on disk and together in the page", async (t) => {
    const { server, contents } = await open(t);
    const outputs = [
      { output_type: "stream", name: "stdout", text: "a\nb\n" },
      {
        output_type: "display_data",
        metadata: {},
        data: { "text/html": "<b>\nx", "image/png": "AAAA\n", "application/json": ["a", "b"] },
      },
    ];
    const saved = await contents.save("n.ipynb", {
      type: "notebook",
      format: "json",
      content: notebook("let a = 1;\na + 1", outputs, { trusted: true }),
    });
    const text = await readFile(join(server.root, "n.ipynb"), "utf8");
    assert.equal(saved.hash, createHash("sha256").update(text).digest("hex"));
    const onDisk = JSON.parse(text).cells[0];
    assert.deepEqual(onDisk.source, ["let a = 1;\n", "a + 1"]);
    assert.deepEqual(onDisk.outputs[0].text, ["a\n", "b\n"]);
    assert.deepEqual(onDisk.outputs[1].data, {
      "text/html": ["<b>\n", "x"],
      "image/png": "AAAA\n",
      "application/json": ["a", "b"],
    });
    assert.deepEqual(onDisk.metadata, {}, "trust is not written into the file");
    assert.deepEqual(Object.keys(JSON.parse(text)), ["cells", "metadata", "nbformat", "nbformat_minor"]);
    const read = await contents.get("n.ipynb");
    assert.deepEqual(read.content, notebook("let a = 1;\na + 1", outputs, { trusted: true }));

    // Changed outside: the outputs are not ours any more.
    await writeFile(join(server.root, "n.ipynb"), text.replace("<b>", "<script>"));
    assert.equal((await contents.get("n.ipynb")).content.cells[0].metadata.trusted, false);
    assert.equal((await server.api("POST", "/api/contents/n.ipynb/trust")).status, 201);
    assert.equal((await contents.get("n.ipynb")).content.cells[0].metadata.trusted, true);
  });

  it("trusts a saved notebook from the moment that it can be read", async (t) => {
    const { contents } = await open(t);
    const output = [{ output_type: "stream", name: "stdout", text: "a" }];
    const save = (i: number) =>
      contents.save("n.ipynb", {
        type: "notebook",
        format: "json",
        content: notebook(`${i}`, output, { trusted: true }),
      });
    await save(0);
    let isSaving = true;
    const saves = (async () => {
      for (let i = 1; i <= 20; i++) await save(i);
      isSaving = false;
    })();
    const read = new Set<string>();
    const reader = async (): Promise<void> => {
      while (isSaving) {
        const [cell] = (await contents.get("n.ipynb")).content.cells;
        read.add(cell.source);
        assert.equal(cell.metadata.trusted, true, `version ${cell.source}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, reader));
    await saves;
    assert.ok(read.size > 1, "nothing was read meanwhile");
  });

  it("makes, lists, restores, follows and deletes checkpoints", async (t) => {
    const { server, contents } = await open(t);
    await contents.save("a.txt", { type: "file", format: "text", content: "one" });
    assert.deepEqual(await contents.listCheckpoints("a.txt"), []);
    const made = await contents.createCheckpoint("a.txt");
    await contents.save("a.txt", { type: "file", format: "text", content: "two" });
    assert.deepEqual(await contents.listCheckpoints("a.txt"), [made]);
    await contents.rename("a.txt", "b.txt");
    await contents.restoreCheckpoint("b.txt", made.id);
    assert.equal(await readFile(join(server.root, "b.txt"), "utf8"), "one");
    await contents.deleteCheckpoint("b.txt", made.id);
    assert.deepEqual(await contents.listCheckpoints("b.txt"), []);
    await assert.rejects(contents.restoreCheckpoint("b.txt", made.id), /Checkpoint does not exist/);
    await assert.rejects(contents.restoreCheckpoint("b.txt", "../../x"));
  });
});

describe("contents", () => {
  it("takes uploads in chunks, and shows nothing before the last", async (t) => {
    const { server, contents } = await open(t);
    const bytes = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7) % 256));
    const send = (chunk: number, part: Buffer): Promise<Response> =>
      server.api("PUT", "/api/contents/big.bin", {
        type: "file",
        format: "base64",
        name: "big.bin",
        chunk,
        content: part.toString("base64"),
      });
    assert.equal((await send(1, bytes.subarray(0, 1000))).status, 201);
    assert.deepEqual((await contents.get("")).content, []);
    assert.equal((await send(3, bytes.subarray(1000, 2000))).status, 400, "a piece out of order");
    assert.equal((await send(2, bytes.subarray(1000, 2000))).status, 201);
    assert.equal((await send(-1, bytes.subarray(2000))).status, 201);
    assert.ok((await readFile(join(server.root, "big.bin"))).equals(bytes));
    const read = await contents.get("big.bin");
    assert.deepEqual([read.format, read.mimetype], ["base64", "application/octet-stream"]);
    assert.deepEqual(Buffer.from(read.content, "base64"), bytes);
    assert.deepEqual(await readdir(server.root), ["big.bin"]);
  });

  it("refuses what is no notebook in Jupyter's words, and changes nothing", async (t) => {
    const { server } = await open(t);
    const file = join(server.root, "bad.ipynb");
    await writeFile(file, "hello");
    const [status, message] = await refusal(await server.api("GET", "/api/contents/bad.ipynb"));
    assert.equal(status, 400);
    assert.match(message, /^Unreadable Notebook: bad\.ipynb NotJSONError\("Notebook does not appear to be JSON: /);
    await writeFile(file, '{"cells": []}');
    assert.match((await refusal(await server.api("GET", "/api/contents/bad.ipynb")))[1], /^Unreadable Notebook/);
    for (const content of [{ cells: [] }, "text", [1], { ...notebook(""), nbformat: 3 }]) {
      const answer = await server.api("PUT", "/api/contents/bad.ipynb", { type: "notebook", format: "json", content });
      assert.equal(answer.status, 400);
    }
    assert.equal(await readFile(file, "utf8"), '{"cells": []}');
    assert.equal((await server.api("GET", "/api/contents/bad.ipynb?type=file")).status, 200, "as a text it opens");
  });

  it("answers wrong types, formats and bodies with 400 and a reason", async (t) => {
    const { server } = await open(t);
    await mkdir(join(server.root, "d"));
    await writeFile(join(server.root, "b.bin"), Buffer.from([0xff, 0xfe, 0]));
    const put = (body: unknown): Promise<Response> => server.api("PUT", "/api/contents/x.txt", body);
    const cases: [() => Promise<Response>, number, RegExp][] = [
      [() => server.api("GET", "/api/contents/d?type=file"), 400, /is a directory, not a file/],
      [() => server.api("GET", "/api/contents/b.bin?type=directory"), 400, /is not a directory/],
      [() => server.api("GET", "/api/contents/b.bin?format=text"), 400, /is not UTF-8 encoded/],
      [() => server.api("GET", "/api/contents/b.bin?type=banana"), 400, /"banana" is invalid/],
      [() => server.api("GET", "/api/contents/b.bin?content=yes"), 400, /content "yes" is invalid/],
      [() => server.api("GET", "/api/contents/none"), 404, /No such file or directory: none/],
      [() => server.api("POST", "/api/contents/b.bin", {}), 400, /Cannot POST to files/],
      [() => put({}), 400, /No file type provided/],
      [() => put({ type: "file", format: "text" }), 400, /No file content provided/],
      [() => put({ type: "banana", content: "" }), 400, /Unhandled contents type/],
      [() => put({ type: "file", content: "x" }), 400, /'text' or 'base64'/],
      [() => put({ type: "file", format: "base64", content: "%%%" }), 400, /not base64/],
      [
        () => put({ type: "directory" }).then(() => put({ type: "file", format: "text", content: "" })),
        400,
        /is a directory/,
      ],
      [
        () => server.api("PUT", "/api/contents/no/such/x.txt", { type: "file", format: "text", content: "" }),
        404,
        /No such/,
      ],
      [() => server.api("PATCH", "/api/contents/b.bin", {}), 400, /path/],
      [() => server.api("DELETE", "/api/contents/"), 400, /root folder/],
      [
        () =>
          server.raw("/api/contents/x", {
            method: "PUT",
            body: "{",
            headers: { Authorization: `token ${server.token}` },
          }),
        400,
        /Invalid JSON/,
      ],
    ];
    for (const [request, expected, wording] of cases) {
      const [status, message] = await refusal(await request());
      assert.match(message, wording);
      assert.equal(status, expected, message);
    }
  });

  it("leaves the folder by no path and no link, and hides hidden files", async (t) => {
    const { server } = await open(t);
    const outside = join(server.root, "..", "outside");
    await mkdir(outside);
    await writeFile(join(outside, "secret.txt"), "secret");
    await writeFile(join(server.root, ".hidden"), "secret");
    await symlink(outside, join(server.root, "link"));
    await symlink(join(outside, "secret.txt"), join(server.root, "file"));
    await symlink(join(server.root, "nowhere"), join(server.root, "dangling"));
    await writeFile(join(server.root, "inside.txt"), "inside");
    await symlink(join(server.root, "inside.txt"), join(server.root, "good"));

    const listed = (await (await server.api("GET", "/api/contents")).json()) as { content: { name: string }[] };
    assert.deepEqual(listed.content.map(({ name }) => name).sort(), ["good", "inside.txt"]);
    const paths = [
      "%2e%2e/outside/secret.txt",
      "%2E%2E%2Foutside%2Fsecret.txt",
      "..%2foutside%2fsecret.txt",
      "link/secret.txt",
      "file",
      ".hidden",
      "inside.txt%00",
      "x/%2e%2e/%2e%2e/outside/secret.txt",
    ];
    for (const path of paths)
      for (const url of [`/api/contents/${path}`, `/files/${path}`]) {
        const answer = await server.api("GET", url);
        assert.equal(answer.status, 404, url);
        assert.doesNotMatch(await answer.text(), /:"?secret/);
      }
    const save = { type: "file", format: "text", content: "overwritten" };
    for (const path of [...paths, "link/new.txt", ".new"]) {
      const answer = await server.api("PUT", `/api/contents/${path}`, save);
      assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`);
    }
    for (const body of [{ path: "../outside/x" }, { path: "link/x" }, { path: ".x" }])
      assert.ok((await server.api("PATCH", "/api/contents/inside.txt", body)).status >= 400);
    assert.ok((await server.api("POST", "/api/contents", { copy_from: "../outside/secret.txt" })).status >= 400);
    assert.ok((await server.api("POST", "/api/contents", { type: "file", ext: "/../../x" })).status >= 400);
    assert.equal(await readFile(join(outside, "secret.txt"), "utf8"), "secret");
    assert.deepEqual(await readdir(outside), ["secret.txt"]);

    // Through a link that stays inside, the file itself is saved and the link stays a link.
    assert.equal((await server.api("PUT", "/api/contents/good", save)).status, 200);
    assert.equal(await readFile(join(server.root, "inside.txt"), "utf8"), "overwritten");
  });

  it("replaces files whole, keeps their permissions and leaves nothing behind", async (t) => {
    const { server } = await open(t);
    const file = join(server.root, "a.sh");
    await writeFile(file, "old", { mode: 0o750 });
    await chmod(file, 0o750);
    const before = await stat(file);
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(200_000));
    const save = (content: string): Promise<Response> =>
      server.api("PUT", "/api/contents/a.sh", { type: "file", format: "text", content });
    let isSaving = true;
    const seen = new Set<string>();
    const reader = (async () => {
      while (isSaving) seen.add(await readFile(file, "utf8"));
    })();
    for (const answer of await Promise.all(contents.map(save))) assert.equal(answer.status, 200);
    isSaving = false;
    await reader;
    for (const text of seen) assert.ok(text === "old" || contents.includes(text), "a reader met a part of a file");
    const after = await stat(file);
    assert.equal(after.mode, before.mode);
    assert.deepEqual(await readdir(server.root), ["a.sh"]);
  });

  it("sends files as a stranger's page, or as a download", async (t) => {
    const { server } = await open(t);
    await writeFile(join(server.root, "page.html"), "<script>alert(1)</script>");
    const shown = await server.api("GET", "/files/page.html");
    assert.match(shown.headers.get("content-security-policy") ?? "", /sandbox/);
    assert.equal(shown.headers.get("x-content-type-options"), "nosniff");
    const saved = await server.api("GET", "/files/page.html?download=1");
    assert.match(saved.headers.get("content-disposition") ?? "", /attachment; filename=.?page.html/);
    assert.equal((await server.api("GET", "/files/none.html")).status, 404);
  });
});
