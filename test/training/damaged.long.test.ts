import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { z } from "zod";
import { LabError } from "../../src/base/errors.ts";
import { exportRun } from "../../src/interop/index.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { Run } from "../../src/recording/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { byLength, runsFolder, smallTrainer } from "./time-tools.ts";

const record = await runsFolder();
const interpreter = await PythonInterpreter.start({ engine: "pyodide", lanes: 1 });
after(async () => {
  await interpreter.close();
  await rm(record, { recursive: true });
});

/** The run that the first test records. */
let folder: string;

const hashOf = (...data: (Uint8Array | string)[]): string =>
  data.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");

async function filesOf(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of (await readdir(folder, { recursive: true })).sort())
    if ((await stat(join(folder, name))).isFile()) files.set(name, hashOf(await readFile(join(folder, name))));
  return files;
}

/**
 * Files that a run does not need: of the events a process that was killed leaves a beginning; of later checkpoints
 * architecture and tokenizer are those of the first; the code of a part tells what has changed only where its hash has;
 * the settings' schema is for those who look at the run.
 */
const unread =
  /^parts.|^events\.jsonl$|^settings\.schema\.json$|tokenizer_config|step-00000[12].(config|tokenizer)\.json$/;

/** Takes a run up in every way that reads it. */
async function use(folder: string, reward = byLength): Promise<void> {
  const trainer = await Trainer.resume(folder, { interpreter, reward });
  try {
    const replay = await trainer.replay(2);
    assert.deepEqual([replay.differences, replay.rescored, replay.remarked, replay.alerts], [[], [], [], []]);
    await trainer.rewind(0);
    const run = await trainer.openRun(folder);
    for (const step of [1, 2]) assert.equal((await run.rollouts(step, z.any())).length, 4);
  } finally {
    await trainer.close();
  }
}

test("a run of which a file is cut off anywhere is refused by that file's name, and nothing is changed", async () => {
  const trainer = await smallTrainer({
    interpreter,
    numGenerations: 2,
    klCoef: 0.05,
    guards: [{ metric: "gradNorm", above: 1e9, action: "rollback" }],
    checkpointEvery: 1,
    taskset: tasks.list(
      "two",
      [0, 1].map((i) => tasks.arithmetic().at(i)),
    ),
  });
  await trainer.train(2, { record }).done();
  ({ folder } = await trainer.openRun(record));
  await use(folder);
  const files = await filesOf(folder);
  for (const name of [
    "config.json",
    "tasks.jsonl",
    "rollouts/step-000001.jsonl",
    "checkpoints/step-000000/tokenizer.json",
    "checkpoints/step-000002/optimizer.safetensors",
    "checkpoints/step-000002/reference.safetensors",
    "checkpoints/step-000002/last-good.safetensors",
    "checkpoints/step-000002/trainer.json",
  ])
    assert.ok(files.has(name), `${name} is not among ${[...files.keys()].join(", ")}`);
  for (const name of [...files.keys()].filter((name) => !unread.test(name))) {
    const bytes = await readFile(join(folder, name));
    const end = bytes.length - (bytes.at(-1) === 0x0a ? 2 : 1);
    const cuts = /step-00000[01]/.test(name) ? [end >> 1] : [0, end >> 1, end];
    for (const cut of cuts) {
      const copy = join(record, `cut-${hashOf(name).slice(0, 8)}-${cut}`);
      await cp(folder, copy, { recursive: true });
      await truncate(join(copy, name), cut);
      const before = await filesOf(copy);
      const refusal = await use(copy).then(
        () => undefined,
        (error: unknown) => error,
      );
      assert.ok(refusal instanceof LabError, `${name} cut at ${cut}: ${(refusal as Error | undefined)?.stack}`);
      assert.ok(refusal.message.includes(basename(name)), `${name}: ${refusal.message}`);
      assert.deepEqual(await filesOf(copy), before, `${name} cut at ${cut}: the folder is as it was`);
      await rm(copy, { recursive: true });
    }
  }
  const copy = join(record, "no-events");
  await cp(folder, copy, { recursive: true });
  await truncate(join(copy, "events.jsonl"), 0);
  await assert.rejects(use(copy), /before its first checkpoint/);

  const [part] = [...files.keys()].filter((name) => name.startsWith("parts"));
  const other = join(record, "no-part");
  await cp(folder, other, { recursive: true });
  await truncate(join(other, part!), 40);
  const changed = { ...byLength, score: () => ({ reward: 0, correct: false, detail: {} }) };
  await assert.rejects(use(other, changed), (error) => {
    return error instanceof LabError && error.message.includes(basename(part!));
  });
});

test("what a newer version has written is refused: the run, a checkpoint, a setting; an event is passed over", async () => {
  const changed = async (name: string, change: (json: Record<string, unknown>) => void): Promise<string> => {
    const copy = join(record, `newer-${basename(name)}`);
    await cp(folder, copy, { recursive: true });
    const json = JSON.parse(await readFile(join(copy, name), "utf8")) as Record<string, unknown>;
    change(json);
    await writeFile(join(copy, name), JSON.stringify(json));
    return copy;
  };
  const refuses = async (copy: string, pattern: RegExp) => {
    const before = await filesOf(copy);
    await assert.rejects(use(copy), (error) => error instanceof LabError && pattern.test(error.message));
    assert.deepEqual(await filesOf(copy), before);
    await rm(copy, { recursive: true });
  };
  await refuses(
    await changed("config.json", (c) => (c.formatVersion = 2)),
    /newer version.*format 2, this one reads 1/,
  );
  await refuses(
    await changed("config.json", (c) => Object.assign(c.config as object, { warpFactor: 9 })),
    /warpFactor/,
  );
  await refuses(await changed("checkpoints/step-000002/trainer.json", (c) => (c.dreams = 1)), /trainer\.json.*dreams/);
  const copy = join(record, "newer-event");
  await cp(folder, copy, { recursive: true });
  const events = await readFile(join(copy, "events.jsonl"), "utf8");
  await writeFile(join(copy, "events.jsonl"), `${events}${JSON.stringify({ seq: 999, time: 1, type: "dream" })}\n`);
  assert.equal((await (await Run.open(copy)).events()).length, events.trimEnd().split("\n").length);
  await exportRun(copy, { to: "tensorboard" });
});
