import assert from "node:assert/strict";
import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CheckpointError, InvalidInputError } from "../../src/base/errors.ts";
import { CheckpointStore, Run } from "../../src/recording/index.ts";
import { emptyFolder, killAfterLines, startChild } from "./tools.ts";

const stepsOf = async (store: CheckpointStore) => (await store.list()).map(({ step }) => step);
const text = (data: Uint8Array | undefined) => new TextDecoder().decode(data);

test("checkpoints are written, listed, replaced and removed", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  assert.equal(await run.checkpoints.latest(), undefined);
  const weights = new Uint8Array([0, 1, 255]);
  for (const step of [40, 5, 1_000_000])
    await run.saveCheckpoint(step, { "model.safetensors": weights, "state.json": "{}" });
  assert.deepEqual(await stepsOf(run.checkpoints), [5, 40, 1_000_000]);
  assert.equal((await run.checkpoints.latest())!.name, "step-1000000");
  await run.checkpoints.write(40, { "state.json": "new" });
  const read = await run.checkpoints.read(40);
  assert.deepEqual(Object.keys(read), ["state.json"]);
  assert.equal(text(read["state.json"]), "new");
  assert.deepEqual((await run.checkpoints.read(5))["model.safetensors"], weights);
  await run.checkpoints.remove(5);
  assert.deepEqual(await readdir(run.checkpoints.folder), ["step-000040", "step-1000000"]);
  const recorded = (await run.events()).map((event) =>
    event.type === "checkpoint" ? [event.step, event.name, event.bytes] : [],
  );
  assert.deepEqual(recorded[0], [40, "step-000040", 5]);
});

test("a missing step and a name that leads elsewhere are refused", async () => {
  const store = new CheckpointStore(await emptyFolder());
  await store.write(1, { a: "1" });
  await assert.rejects(
    store.read(2),
    (error) => error instanceof CheckpointError && /step 2.*There are: 1/.test(error.message),
  );
  await assert.rejects(store.remove(2), CheckpointError);
  for (const name of ["../x", "a/b", "", ".hidden", "a\\b", "a\0"])
    await assert.rejects(store.write(2, { [name]: "" }), InvalidInputError);
  await assert.rejects(store.write(-1, {}), InvalidInputError);
  assert.deepEqual(await readdir(store.folder), ["step-000001"]);
});

test("a crash before the rename leaves the old list, and the next writer cleans up", async () => {
  const folder = await emptyFolder();
  await new CheckpointStore(folder).write(1, { a: "1" });
  await mkdir(join(folder, ".writing-step-000002-x"));
  await writeFile(join(folder, ".writing-step-000002-x", "a"), "half");
  const store = new CheckpointStore(folder);
  assert.deepEqual(await stepsOf(store), [1]);
  await store.write(3, { a: "3" });
  assert.deepEqual(await readdir(folder), ["step-000001", "step-000003"]);
});

test("a crash in the middle of a replacement keeps the old checkpoint", async () => {
  const folder = await emptyFolder();
  await new CheckpointStore(folder).write(1, { a: "old" });
  await rename(join(folder, "step-000001"), join(folder, ".replaced-step-000001"));
  const store = new CheckpointStore(folder);
  assert.deepEqual(await stepsOf(store), [1]);
  assert.equal(text((await store.read(1)).a), "old");
  await store.write(2, { a: "2" });
  assert.deepEqual(await readdir(folder), ["step-000001", "step-000002"]);
  assert.equal(text((await store.read(1)).a), "old");
});

test("whenever a writer is killed, every checkpoint in the list is whole, and none that was written is lost", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  for (const lines of [3, 8, 15, 24]) {
    const said = await killAfterLines(startChild("checkpoint-child", [run.folder]), lines);
    const written = new Set(
      said.filter((line) => line.startsWith("written")).map((line) => Number(line.split(" ")[1]) % 3),
    );
    const steps = await stepsOf(run.checkpoints);
    for (const step of written) assert.ok(steps.includes(step), `step ${step} is there`);
    for (const step of steps) {
      const files = Object.values(await run.checkpoints.read(step));
      assert.deepEqual(
        files.map((file) => file.length),
        [400_000, 400_000],
      );
      assert.equal(new Set(files.flatMap((file) => [...new Set(file)])).size, 1, "both files are of one writing");
    }
  }
});
