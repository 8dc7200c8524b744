import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { InvalidInputError } from "../../src/base/errors.ts";
import {
  type CommandInput,
  type CommandReader,
  RecordingError,
  Run,
  sendCommand,
  waitForAnswer,
} from "../../src/recording/index.ts";
import { emptyFolder } from "./tools.ts";

const taken = (reader: CommandReader) => reader.poll().map(({ command }) => command);

const commands: CommandInput[] = [
  { type: "pause" },
  { type: "step", count: 3 },
  { type: "step" },
  { type: "set", values: { clipRatioHigh: 0.4 } },
  {
    type: "set",
    values: {
      maxToolCalls: [
        [0, 2],
        [100, 3],
      ],
    },
  },
  { type: "checkpoint" },
  { type: "checkpoint", label: "good" },
  { type: "resume" },
  { type: "stop" },
];

test("commands arrive once, in order, with their defaults", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const reader = run.commands();
  assert.deepEqual(reader.poll(), []);
  const ids: string[] = [];
  for (const command of commands) ids.push(await sendCommand(run.folder, command, { by: "a test" }));
  const expected = commands.map((command) => (command.type === "step" ? { count: 1, ...command } : command));
  const sent = reader.poll();
  assert.deepEqual(
    sent.map(({ command }) => command),
    expected,
  );
  assert.deepEqual(
    sent.map(({ id, by }) => [id, by]),
    ids.map((id) => [id, "a test"]),
  );
  assert.deepEqual(reader.poll(), []);
});

test("commands from before are not obeyed again", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  await sendCommand(run.folder, { type: "stop" });
  const reader = (await Run.open(run.folder)).commands();
  assert.deepEqual(reader.poll(), []);
  await sendCommand(run.folder, { type: "pause" });
  assert.deepEqual(taken(reader), [{ type: "pause" }]);
});

test("waiting ends with a command, or with the signal", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const reader = run.commands();
  const arrived = reader.wait();
  await sendCommand(run.folder, { type: "resume" });
  assert.deepEqual(
    (await arrived).map(({ command }) => command),
    [{ type: "resume" }],
  );
  const abort = new AbortController();
  const waiting = reader.wait(abort.signal);
  abort.abort();
  assert.deepEqual(await waiting, []);
});

test("many senders at once lose nothing", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const reader = run.commands();
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => sendCommand(run.folder, { type: "set", values: { [`n${i}`]: i } })),
  );
  const names = taken(reader).flatMap((command) => (command.type === "set" ? Object.keys(command.values) : []));
  assert.deepEqual(names.sort(), Array.from({ length: 200 }, (_, i) => `n${i}`).sort());
});

test("what is no command is refused when sent, and answered as refused when written by hand", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const reader = run.commands();
  await assert.rejects(sendCommand(run.folder, { type: "explode" } as never), InvalidInputError);
  await assert.rejects(sendCommand(run.folder, { type: "step", count: 0 }), InvalidInputError);
  await assert.rejects(sendCommand(join(run.folder, "nowhere"), { type: "stop" }), RecordingError);
  await appendFile(join(run.folder, "commands.jsonl"), 'not json\n{"type":"explode"}\n{"type":"stop"}\n{"type":"pa');
  assert.deepEqual(taken(reader), [{ type: "stop" }]);
  const answers = await run.events();
  assert.equal(answers.length, 2);
  assert.ok(answers.every(({ type }) => type === "command-refused"));
  await appendFile(join(run.folder, "commands.jsonl"), 'use"}\n');
  assert.deepEqual(taken(reader), [{ type: "pause" }]);
});

test("a command is answered under its id, obeyed or not", async () => {
  const run = await Run.create({ folder: await emptyFolder() });
  const reader = run.commands();
  const obeyed = await sendCommand(run.folder, { type: "pause" });
  const waiting = waitForAnswer(run.folder, obeyed);
  for (const { command, id, by } of reader.poll()) run.append({ type: "command", step: 3, command, id, by });
  assert.equal((await waiting)!.type, "command");
  await appendFile(join(run.folder, "commands.jsonl"), '{"type":"explode","id":"7"}\n');
  reader.poll();
  const answer = await waitForAnswer(run.folder, "7");
  assert.match(answer?.type === "command-refused" ? answer.text : "", /explode/);
  assert.equal(await waitForAnswer(run.folder, "nobody's", AbortSignal.timeout(300)), undefined);
});
