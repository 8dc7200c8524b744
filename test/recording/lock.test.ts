import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { lockOwner, RecordingError, Run } from "../../src/recording/index.ts";
import { emptyFolder, startChild } from "./tools.ts";

test("one writer at a time: a second of this process, and one of another, are refused by name", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  await run.acquire();
  const second = await Run.open(run.folder);
  await assert.rejects(second.acquire(), (error) => {
    assert.ok(error instanceof RecordingError);
    assert.match(error.message, /being trained by another trainer of this process/);
    return true;
  });
  const child = startChild("lock-child", [run.folder]);
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  assert.match(line, new RegExp(`refused: .*being trained by process ${process.pid}`));
  assert.equal((await lockOwner(run.folder))!.pid, process.pid);
  await run.release();
  assert.equal(await lockOwner(run.folder), undefined);
  await second.acquire();
  await second.release();
});

test("the lock of a process that was killed is taken over, by one of many", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const child = startChild("lock-child", [run.folder]);
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  assert.equal(line, "locked");
  await assert.rejects(run.acquire(), new RegExp(`process ${child.pid}`));
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal(await lockOwner(run.folder), undefined);
  const runs = await Promise.all(Array.from({ length: 20 }, () => Run.open(run.folder)));
  const taken = await Promise.allSettled(runs.map((one) => one.acquire()));
  assert.equal(taken.filter(({ status }) => status === "fulfilled").length, 1);
});

test("a lock whose process number another process has by now is stale", {
  skip: process.platform !== "linux",
}, async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  await run.acquire();
  const path = join(run.folder, "run.lock");
  const owner = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  await writeFile(path, JSON.stringify({ ...owner, processStart: "another boot 1" }));
  const other = await Run.open(run.folder);
  await other.acquire();
  await other.release();
});

test("a writer that comes back after another one went on is refused", async () => {
  const first = await Run.create({ folder: await emptyFolder() });
  await first.acquire();
  first.append({ type: "log", text: "first" });
  await first.release();
  const second = await Run.open(first.folder);
  await second.acquire();
  second.append({ type: "log", text: "second" });
  await second.release();
  await assert.rejects(first.acquire(), /Another trainer has gone on with run .* in the meantime/);
  assert.deepEqual(
    (await second.events()).map(({ seq }) => seq),
    [0, 1],
  );
});
