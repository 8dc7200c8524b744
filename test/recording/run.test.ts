import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { InvalidInputError } from "../../src/base/errors.ts";
import { listRuns, RecordingError, Run, type RunEvent } from "../../src/recording/index.ts";
import { emptyFolder, killAfterLines, startChild } from "./tools.ts";

const step = (n: number): RunEvent => ({ type: "step", step: n, metrics: { reward: n / 10 } });

test("a run is written and read back whole", async () => {
  const folder = await emptyFolder();
  const run = await Run.create({ folder, name: "CIR tiny!", seed: 80, config: { clipRatioHigh: 0.28, steps: [1, 2] } });
  const events: RunEvent[] = [
    { type: "run-started", step: 0, config: { recipe: "cir" } },
    step(1),
    { type: "evaluation", step: 1, label: "held-out", metrics: { accuracy: 0.5 } },
    { type: "alert", step: 1, text: 'entropy < 0.1\n"quoted"' },
    { type: "command", step: 1, command: { type: "set", values: { clipRatioHigh: 0.4 } } },
    { type: "log", text: "❄" },
    { type: "run-finished", step: 1, reason: "stopped" },
  ];
  const appended = events.map((event) => run.append(event));
  await run.close();

  assert.match(run.id, /^\d{8}-\d{6}-cir-tiny$/);
  const again = await Run.open(join(folder, run.id));
  assert.deepEqual(again.config, run.config);
  assert.equal(again.config.seed, 80);
  assert.deepEqual(again.config.config, { clipRatioHigh: 0.28, steps: [1, 2] });
  for (const what of ["cirlab", "node", "onnxruntime"]) assert.match(again.config.versions[what]!, /^\d+\.\d+/);
  const read = await again.events();
  assert.deepEqual(read, appended);
  assert.deepEqual(
    read.map(({ seq }) => seq),
    [0, 1, 2, 3, 4, 5, 6],
  );
});

test("runs of one second have folders of their own", async () => {
  const folder = await emptyFolder();
  const runs = await Promise.all(Array.from({ length: 5 }, () => Run.create({ folder, name: "same" })));
  assert.equal(new Set(runs.map(({ id }) => id)).size, 5);
  assert.deepEqual((await readdir(folder)).sort(), runs.map(({ id }) => id).sort());
});

test("a torn last line is left out when read, and removed before the next event", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  run.append(step(1));
  run.append(step(2));
  await run.close();
  const path = join(run.folder, "events.jsonl");
  const whole = await readFile(path);
  // Every way in which the next line can be torn, also in the middle of a character.
  const next = Buffer.from(`${JSON.stringify({ seq: 2, time: 1, type: "log", text: "❄" })}`);
  for (let length = 1; length <= next.length; length++) {
    await writeFile(path, Buffer.concat([whole, next.subarray(0, length)]));
    const reopened = await Run.open(run.folder);
    assert.deepEqual((await reopened.events()).length, 2);
    assert.equal(reopened.append(step(3)).seq, 2);
    await reopened.close();
    const events = await reopened.events();
    assert.deepEqual(
      events.map(({ seq }) => seq),
      [0, 1, 2],
    );
  }
});

test("a killed process loses no event that it had appended", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  let expected = 0;
  for (const lines of [50, 333, 1200]) {
    const acknowledged = await killAfterLines(startChild("append-child", [run.folder]), lines);
    const events = await run.events();
    assert.ok(events.length >= Number(acknowledged.at(-1)) + 1);
    assert.ok(events.length > expected);
    expected = events.length;
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, i) => i),
    );
  }
});

test("a long line is found again when a run goes on", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  run.append({ type: "log", text: "x".repeat(300_000) });
  await run.close();
  await appendFile(join(run.folder, "events.jsonl"), "y".repeat(200_000));
  const again = await Run.open(run.folder);
  assert.equal(again.append(step(1)).seq, 1);
  assert.equal((await again.events()).length, 2);
});

test("numbers that JSON cannot hold are recorded as null, and a training goes on", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const recorded = run.append({
    type: "step",
    step: 1,
    metrics: { loss: Number.NaN, kl: Number.POSITIVE_INFINITY, ok: 1 },
  });
  assert.deepEqual(recorded, { ...recorded, metrics: { loss: null, kl: null, ok: 1 } });
  assert.deepEqual(await run.events(), [recorded]);
});

test("an event that does not fit is refused and leaves no trace", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  assert.throws(() => run.append({ type: "step", step: -1, metrics: {} }), InvalidInputError);
  assert.throws(() => run.append({ type: "dance" } as never), InvalidInputError);
  assert.throws(() => run.append({ type: "step", step: 1 } as never), /metrics/);
  assert.equal(run.append(step(1)).seq, 0);
  await run.close();
  assert.throws(() => run.append(step(2)), RecordingError);
  assert.equal((await run.events()).length, 1);
});

test("events of unknown types are passed over, damaged ones are named by their line", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const path = join(run.folder, "events.jsonl");
  run.append(step(1));
  await appendFile(path, `${JSON.stringify({ seq: 1, time: 1, type: "from-the-future", data: [1] })}\n`);
  const again = await Run.open(run.folder);
  assert.equal(again.append(step(2)).seq, 2);
  assert.deepEqual(
    (await run.events()).map(({ seq }) => seq),
    [0, 2],
  );
  await appendFile(path, `${JSON.stringify({ seq: 3, time: 1, type: "step", step: "x" })}\n`);
  await assert.rejects(run.events(), (error) => error instanceof RecordingError && /line 4/.test(error.message));
  await writeFile(path, "{}x\n{}\n");
  await assert.rejects(run.events(), (error) => error instanceof RecordingError && /line 1 /.test(error.message));
});

test("a folder that is no run, is damaged, or is newer gives one clear error", async () => {
  const folder = await emptyFolder();
  await assert.rejects(Run.open(join(folder, "missing")), RecordingError);
  const run = await Run.create({ folder });
  const path = join(run.folder, "config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as object;
  const refused = async (text: string, reason: RegExp) => {
    await writeFile(path, text);
    await assert.rejects(
      Run.open(run.folder),
      (error) => error instanceof RecordingError && error.code === "recording" && reason.test(error.message),
    );
  };
  await refused("{", /not JSON/);
  await refused("null", /config\.json/);
  await refused(JSON.stringify({ ...config, id: undefined }), /id: /);
  await refused(JSON.stringify({ ...config, seed: -1 }), /seed.*-1/);
  await refused(JSON.stringify({ ...config, formatVersion: 99 }), /newer version.*99/);
});

test("settings that cannot be recorded make no run", async () => {
  const folder = await emptyFolder();
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  await assert.rejects(Run.create({ folder, config: circular }));
  await assert.rejects(Run.create({ folder, seed: -1 }), InvalidInputError);
  assert.deepEqual(await readdir(folder), []);
});

test("rollouts of a step are written, replaced and read back checked", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const schema = z.object({ ids: z.array(z.int()), text: z.string() });
  await run.writeRollouts(12, [{ ids: [1], text: "old" }]);
  await run.writeRollouts(12, [
    { ids: [1, 2], text: "a\nb" },
    { ids: [], text: "" },
  ]);
  await run.writeRollouts(3, []);
  assert.deepEqual(await run.rolloutSteps(), [3, 12]);
  assert.deepEqual(await run.rollouts(12, schema), [
    { ids: [1, 2], text: "a\nb" },
    { ids: [], text: "" },
  ]);
  assert.deepEqual(await run.rollouts(4, schema), []);
  await run.writeRollouts(5, [{ ids: ["x"], text: "" }]);
  await assert.rejects(
    run.rollouts(5, schema),
    (error) => error instanceof InvalidInputError && /rollout 0 of step 5/.test(error.message),
  );
});

test("runs are listed newest first, damaged ones with what is wrong", async () => {
  const folder = await emptyFolder();
  assert.deepEqual(await listRuns(join(folder, "none")), []);
  const first = await Run.create({ folder, name: "b" });
  const second = await Run.create({ folder, name: "a" });
  await mkdir(join(folder, "not-a-run"));
  await mkdir(join(folder, ".creating-x"));
  await writeFile(join(folder, "notes.txt"), "");
  const runs = await listRuns(folder);
  assert.equal(runs.length, 3);
  const ids = runs.flatMap((run) => ("config" in run ? [run.config.id] : []));
  assert.deepEqual(ids, [second.id, first.id]);
  const last = runs[2]!;
  assert.ok("problem" in last && last.folder.endsWith("not-a-run") && /config\.json/.test(last.problem));
});
