import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { Interpreter, PythonInterpreter } from "../../src/interpreter/index.ts";
import { Run } from "../../src/recording/index.ts";
import { interpreterSetup, recordedInterpreter } from "../../src/training/interpreter-setup.ts";
import { readSetup } from "../../src/training/run-folder.ts";
import { Trainer } from "../../src/training/trainer.ts";
import type { Difference } from "../../src/training/version-differences.ts";
import { runsFolder, smallTrainer } from "./time-tools.ts";

const record = await runsFolder();
after(() => rm(record, { recursive: true }));

const given = {
  engine: "pyodide",
  lanes: 1,
  timeoutMs: 1234,
  memoryMb: 300,
  profile: "bare",
  clock: 1_700_000_000,
  seed: 5,
  isolation: "snippet",
  feedback: { preset: "verl", maxChars: 30, errors: "lastLine" },
} as const;

test("a run is taken up with its interpreter's own options, and what differs is told and noted", async () => {
  const interpreter = await PythonInterpreter.start(given);
  const trainer = await smallTrainer({ interpreter, reward: undefined });
  await trainer.train(1, { record }).done();
  const { folder } = await trainer.openRun(record);
  const { engine: _, ...options } = given;
  const recorded = readSetup((await Run.open(folder)).config).interpreter;
  assert.deepEqual(recorded!.options, { ...options, maxInfrastructureRate: 0.05 });

  const seen: Difference[] = [];
  const again = await Trainer.resume(folder, { onVersions: (differences) => seen.push(...differences) });
  assert.equal(seen.length, 0, "the same machine and options");
  assert.deepEqual(again.interpreter!.options, interpreter.options);
  const code = "import time\nprint(int(time.time()))\n1/0";
  const [then, now] = await Promise.all([interpreter.run(code), again.interpreter!.run(code)]);
  assert.equal(now.stdout, "1700000000\n");
  assert.equal(again.interpreter!.feedback(now), interpreter.feedback(then));
  await again.interpreter!.close();
  await interpreter.close();

  const other = await PythonInterpreter.start({ ...given, timeoutMs: 999, feedback: "cir" });
  const changed = await Trainer.resume(folder, { interpreter: other, onVersions: (list) => seen.push(...list) });
  assert.deepEqual(
    seen.map(({ what, recorded, now }) => [what, recorded, now]),
    [
      ["interpreter timeoutMs", 1234, 999],
      ["interpreter feedback", JSON.stringify(given.feedback), "cir"],
    ],
  );
  const note = (await (await changed.openRun(record)).events()).at(-1)!;
  assert.ok(note.type === "log" && /interpreter timeoutMs: 1234 then, 999 now/.test(note.text));
  await other.close();
});

test("an interpreter of another language comes back; one that words results by own code must be given", async () => {
  const script = await Interpreter.start({ language: "typescript", timeoutMs: 700, lanes: 1 });
  const again = await recordedInterpreter(interpreterSetup(script));
  assert.equal(again.language, "typescript");
  assert.deepEqual(again.options, script.options);
  await again.close();
  const own = { ...interpreterSetup(script), options: { feedback: { own: "(result) => result.stdout" } } };
  await assert.rejects(
    recordedInterpreter(own),
    (error) => error instanceof InvalidInputError && /\(result\) => result\.stdout/.test(error.message),
  );
  const older = await recordedInterpreter({ ...interpreterSetup(script), options: undefined });
  assert.equal(older.options.timeoutMs, 5000);
  await older.close();
  await script.close();
});
