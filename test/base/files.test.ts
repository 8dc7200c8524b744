import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { InvalidInputError } from "../../src/base/errors.ts";
import { writeFileAtomic } from "../../src/base/files.ts";
import { parseInput } from "../../src/base/schema.ts";

test("an atomic write replaces the file and leaves nothing beside it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-"));
  const path = join(folder, "deep", "file.txt");
  await writeFileAtomic(path, "one");
  await writeFileAtomic(path, "two");
  assert.equal(await readFile(path, "utf8"), "two");
  assert.deepEqual(await readdir(join(folder, "deep")), ["file.txt"]);
});

test("a write that fails leaves the target and the folder as they were", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-"));
  const target = join(folder, "target");
  await mkdir(target); // a folder cannot be replaced by a file
  await writeFile(join(target, "inside"), "kept");
  await assert.rejects(writeFileAtomic(target, "new"));
  assert.deepEqual(await readdir(folder), ["target"]);
  assert.equal(await readFile(join(target, "inside"), "utf8"), "kept");
});

test("a refused input names the field, the value and what is allowed", () => {
  const schema = z.strictObject({ clip: z.number().positive() });
  assert.throws(
    () => parseInput(schema, { clip: -1 }, "configuration"),
    (error) => error instanceof InvalidInputError && /clip/.test(error.message) && /-1/.test(error.message),
  );
  assert.throws(() => parseInput(schema, { clip: 1, clop: 2 }, "configuration"), /clop/);
});
