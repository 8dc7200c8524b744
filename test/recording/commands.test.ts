import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import { type Command, type CommandInput, RecordingError, Run, sendCommand } from "../../src/recording/index.ts";
import { emptyFolder } from "./tools.ts";

const commands: CommandInput[] = [
  { type: "pause" },
  { type: "step", count: 3 },
  { type: "step" },
  { type: "set", name: "clipRatioHigh", value: 0.4 },
  {
    type: "set",
    name: "maxToolCalls",
    value: [
      [0, 2],
      [100, 3],
    ],
  },
  { type: "checkpoint" },
  { type: "resume" },
  { type: "stop" },
];

test("commands arrive once, in order, with their defaults", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const reader = run.commands();
  assert.deepEqual(reader.poll(), []);
  for (const command of commands) await sendCommand(run.folder, command);
  const expected = commands.map((command) => (command.type === "step" ? { count: 1, ...command } : command));
  assert.deepEqual(reader.poll(), expected);
  assert.deepEqual(reader.poll(), []);
});

test("commands from before are not obeyed again", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  await sendCommand(run.folder, { type: "stop" });
  const reader = (await Run.open(run.folder)).commands();
  assert.deepEqual(reader.poll(), []);
  await sendCommand(run.folder, { type: "pause" });
  assert.deepEqual(reader.poll(), [{ type: "pause" }]);
});

test("waiting ends with a command, or with the signal", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const reader = run.commands();
  const arrived = reader.wait();
  await sendCommand(run.folder, { type: "resume" });
  assert.deepEqual(await arrived, [{ type: "resume" }]);
  const abort = new AbortController();
  const waiting = reader.wait(abort.signal);
  abort.abort();
  assert.deepEqual(await waiting, []);
});

test("many senders at once lose nothing", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const reader = run.commands();
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => sendCommand(run.folder, { type: "set", name: `n${i}`, value: i })),
  );
  const names = reader.poll().map((command: Command) => (command.type === "set" ? command.name : ""));
  assert.deepEqual(names.sort(), Array.from({ length: 200 }, (_, i) => `n${i}`).sort());
});

test("what is no command is refused when sent, and recorded as log when written by hand", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const reader = run.commands();
  await assert.rejects(sendCommand(run.folder, { type: "explode" } as never), InvalidInputError);
  await assert.rejects(sendCommand(run.folder, { type: "step", count: 0 }), InvalidInputError);
  await assert.rejects(sendCommand(join(run.folder, "nowhere"), { type: "stop" }), RecordingError);
  await appendFile(join(run.folder, "commands.jsonl"), 'not json\n{"type":"explode"}\n{"type":"stop"}\n{"type":"pa');
  assert.deepEqual(reader.poll(), [{ type: "stop" }]);
  const logs = await run.events();
  assert.equal(logs.length, 2);
  assert.ok(logs.every(({ type }) => type === "log"));
  await appendFile(join(run.folder, "commands.jsonl"), 'use"}\n');
  assert.deepEqual(reader.poll(), [{ type: "pause" }]);
});
