import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { createServer as createSocketServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Contents } from "@jupyterlab/services";
import { gather } from "../../server/api/turns.ts";
import { startServer } from "./server.ts";

async function refusal(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as { message: string }).message];
}

describe("contents at their edges", () => {
  it("gives everyone who asks at once a name of his own, and loses no file", async (t) => {
    const server = await startServer(t);
    const pathOf = async (body: object): Promise<string> =>
      ((await (await server.api("POST", "/api/contents/", body)).json()) as Contents.IModel).path;
    const several = <T>(ask: () => Promise<T>): Promise<T[]> => Promise.all([ask(), ask(), ask()]);
    assert.deepEqual((await several(() => pathOf({ type: "notebook" }))).sort(), [
      "Untitled.ipynb",
      "Untitled1.ipynb",
      "Untitled2.ipynb",
    ]);
    assert.equal(new Set(await several(() => pathOf({ type: "directory" }))).size, 3);
    await writeFile(join(server.root, "a.txt"), "a");
    assert.equal(new Set(await several(() => pathOf({ copy_from: "a.txt" }))).size, 3);

    await writeFile(join(server.root, "b.txt"), "b");
    const rename = (name: string) => server.api("PATCH", `/api/contents/${name}`, { path: "c.txt" });
    const answers = await Promise.all(["a.txt", "b.txt"].map(rename));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
    const loser = answers[0]!.status === 409 ? "a.txt" : "b.txt";
    assert.equal(await readFile(join(server.root, loser), "utf8"), loser[0]);
  });

  it("keeps permissions in checkpoints, restored files and uploads", async (t) => {
    const server = await startServer(t);
    const file = join(server.root, "private.txt");
    const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
    await writeFile(file, "mine");
    await chmod(file, 0o600);
    assert.equal((await server.api("POST", "/api/contents/private.txt/checkpoints")).status, 201);
    assert.equal(await mode(join(server.root, ".ipynb_checkpoints/private-checkpoint.txt")), 0o600);
    await writeFile(file, "changed");
    assert.equal((await server.api("POST", "/api/contents/private.txt/checkpoints/checkpoint")).status, 204);
    assert.deepEqual([await readFile(file, "utf8"), await mode(file)], ["mine", 0o600]);
    const send = (path: string, chunk: number) =>
      server.api("PUT", `/api/contents/${path}`, { type: "file", format: "text", content: "part", chunk });
    assert.equal((await send("private.txt", 1)).status, 200);
    assert.equal((await send("private.txt", -1)).status, 200);
    assert.deepEqual([await readFile(file, "utf8"), await mode(file)], ["partpart", 0o600]);

    await mkdir(join(server.root, "folder"));
    assert.deepEqual(await refusal(await send("folder", 1)), [400, "Not a regular file"]);
    assert.deepEqual((await readdir(server.root)).sort(), [".ipynb_checkpoints", "folder", "private.txt"]);
  });

  it("says what is wrong where the disk would not do it", async (t) => {
    const server = await startServer(t);
    await mkdir(join(server.root, "folder"));
    const into = await server.api("PATCH", "/api/contents/folder", { path: "folder/inside" });
    assert.deepEqual(await refusal(into), [400, "Cannot move folder into itself"]);

    const socket = createSocketServer().listen(join(server.root, "folder", "s"));
    await once(socket, "listening");
    const copy = await server.api("POST", "/api/contents/", { copy_from: "folder" });
    assert.deepEqual(await refusal(copy), [400, "A socket cannot be copied"]);
    assert.deepEqual(await readdir(server.root), ["folder"], "half a copy was left");
    socket.close();

    await writeFile(join(server.root, "big.csv"), "");
    await truncate(join(server.root, "big.csv"), 2 ** 29 + 1);
    const [status, why] = await refusal(await server.api("GET", "/api/contents/big.csv"));
    assert.equal(status, 400);
    assert.match(why, /^big\.csv is too large to be opened \(536870913 bytes\)\. Download it instead\.$/);
    assert.equal((await server.api("HEAD", "/files/big.csv")).headers.get("content-length"), "536870913");

    // The name of its checkpoint would be longer than names can be.
    const long = "n".repeat(250);
    await writeFile(join(server.root, long), "");
    assert.equal((await server.api("DELETE", `/api/contents/${long}`)).status, 204);
    for (const name of ["__proto__", "constructor"])
      assert.equal((await server.api("POST", "/api/kernels", { name })).status, 501);
  });

  it("writes what a notebook holds beside its cells, whatever it is called", async (t) => {
    const server = await startServer(t);
    const put = (path: string, content: object) =>
      server.api("PUT", `/api/contents/${path}`, { type: "notebook", format: "json", content });
    const odd = {
      aaa: '\n "cells": []',
      cells: [
        { cell_type: "raw", metadata: { cells: [] }, source: ["a\n", '"cells":['] },
        { cell_type: "raw", metadata: {} },
      ],
      metadata: { cells: [], name: '"cells":[]' },
      nbformat: 4,
      nbformat_minor: 5,
      zzz: { cells: [] },
    };
    for (const [path, content] of Object.entries({ "odd.ipynb": odd, "none.ipynb": { ...odd, cells: [] } })) {
      assert.equal((await put(path, content)).status, 201);
      assert.equal(await readFile(join(server.root, path), "utf8"), `${JSON.stringify(content, null, 1)}\n`);
      const answer = await server.api("GET", `/api/contents/${path}?hash=1`);
      assert.equal(answer.headers.get("etag"), null);
      const model = (await answer.json()) as Contents.IModel;
      const cells = content.cells.map((cell) => ("source" in cell ? { ...cell, source: 'a\n"cells":[' } : cell));
      assert.deepEqual(model.content, { ...content, cells });
      assert.deepEqual(
        [model.type, model.format, model.size],
        ["notebook", "json", JSON.stringify(content, null, 1).length + 1],
      );
    }
    const none = (await (await server.api("GET", "/api/contents/odd.ipynb?content=0")).json()) as Contents.IModel;
    assert.deepEqual([none.type, none.content], ["notebook", null]);
  });

  it("says of a large body what it says of a small one", async (t) => {
    const server = await startServer(t);
    const long = "x".repeat(3_000_000);
    const large = (text: string): Promise<Response> =>
      server.raw("/api/contents/a.ipynb", {
        method: "PUT",
        headers: { Authorization: `token ${server.token}` },
        body: text,
      });
    const save = (content: unknown): string => JSON.stringify({ type: "notebook", content });
    assert.deepEqual(await refusal(await large(`${save([long])}]`)), [400, "Invalid JSON in body of request"]);
    assert.deepEqual(await refusal(await large(save({ metadata: { long }, cells: [], nbformat: 3 }))), [
      400,
      "Notebook a.ipynb is not valid: nbformat 3 is not supported; convert the notebook to nbformat 4",
    ]);
    const deep = `{"metadata":{"long":"${long}"},"nbformat":4,"cells":[{"cell_type":"code","metadata":{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}}]}`;
    assert.deepEqual(await refusal(await large(`{"type":"notebook","content":${deep}}`)), [
      400,
      "The body is nested too deeply",
    ]);
    assert.deepEqual(await readdir(server.root), []);
  });

  it("gives way to others between the pieces of a large notebook", async () => {
    let turns = 0;
    let next = setImmediate(function turn() {
      turns++;
      next = setImmediate(turn);
    });
    const piece = "é".repeat(600_000);
    const bytes = await gather(Array.from({ length: 6 }, () => piece));
    clearImmediate(next);
    assert.equal(bytes.toString(), piece.repeat(6));
    assert.ok(turns >= 6, `${turns} turns for 6 pieces`);
  });
});
