import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { BinaryReader, type WireType } from "@bufbuild/protobuf/wire";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { InvalidInputError } from "../../src/base/errors.ts";
import { displaySymbol } from "../../src/display/host.ts";
import { exportRun } from "../../src/interop/index.ts";
import { maskedCrc32c } from "../../src/interop/tensorboard/record.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { RecordingError, Run, stepsOf } from "../../src/recording/index.ts";
import { tasks } from "../../src/rollout/tasks/index.ts";
import type { Trainer } from "../../src/training/trainer.ts";
import { cirlab } from "../training/cirlab.ts";
import { runsFolder } from "../training/time-tools.ts";
import { recordedRun, written } from "./run.ts";

const record = await runsFolder();
const interpreter = await PythonInterpreter.start({ lanes: 1 });
let trainer: Trainer;
let run: Run;
before(async () => {
  [trainer, run] = await recordedRun(record, { interpreter });
});
after(async () => {
  await interpreter.close();
  await rm(record, { recursive: true });
});

interface Entry {
  step: number;
  scalars: Record<string, number>;
  tags: string[];
  restarts: boolean;
}

/** Reads an event file with nothing of the code that writes it: checks every CRC, and takes the fields by their numbers. */
function readEventFile(file: Uint8Array): Entry[] {
  const entries: Entry[] = [];
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    assert.equal(view.getUint32(at + 8, true), maskedCrc32c(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    assert.equal(view.getUint32(at + 12 + length, true), maskedCrc32c(data));
    entries.push(readEntry(data));
    at += 16 + length;
  }
  return entries;
}

function readEntry(data: Uint8Array): Entry {
  const entry: Entry = { step: 0, scalars: {}, tags: [], restarts: false };
  const each = (bytes: Uint8Array, take: (field: number, reader: BinaryReader, type: WireType) => boolean) => {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (!take(field, reader, type)) reader.skip(type);
    }
  };
  each(data, (field, event) => {
    if (field === 2) entry.step = Number(event.int64());
    else if (field === 7) entry.restarts = event.bytes().join() === "8,1";
    else if (field === 5)
      each(event.bytes(), (_, summary) => {
        let [tag, value] = ["", undefined as number | undefined];
        each(summary.bytes(), (part, one) => {
          if (part === 1) tag = one.string();
          else if (part === 2) value = one.float();
          return part <= 2;
        });
        entry.tags.push(tag);
        if (value !== undefined) entry.scalars[tag] = value;
        return true;
      });
    return [2, 5, 7].includes(field);
  });
  return entry;
}

const readLines = async (path: string): Promise<Record<string, unknown>[]> =>
  (await readFile(path, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("TensorBoard gets every metric of every step as float32, and what was left behind is taken back", async () => {
  const { folder, files } = await exportRun(run, { to: "tensorboard" });
  assert.equal(folder, join(run.folder, "export", "tensorboard"));
  assert.match(files[0]!.name, /^events\.out\.tfevents\.\d+\.cirlab$/);
  const entries = readEventFile(await readFile(join(folder, files[0]!.name)));
  assert.deepEqual(entries[1]!.tags, ["run", "settings"]);
  const steps = entries.filter(({ scalars }) => Object.keys(scalars).length);
  assert.deepEqual(
    steps.map(({ step }) => step),
    [1, 2, 2, 3],
  );
  const restart = entries.findIndex(({ restarts }) => restarts);
  assert.equal(entries[restart]!.step, 2);
  assert.ok(restart > entries.indexOf(steps[1]!) && restart < entries.indexOf(steps[2]!));
  assert.ok(entries.some(({ tags, step }) => tags.includes("settings/changed") && step === 1));
  const recorded = stepsOf(await run.events());
  for (const { step, metrics } of recorded) {
    const { scalars } = steps.findLast((entry) => entry.step === step)!;
    assert.deepEqual(
      scalars,
      Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`train/${name}`, Math.fround(value!)])),
    );
  }
});

test("a training under way is followed step by step; the file is that of an export at the end", async () => {
  const out = join(record, "followed");
  const going = trainer.start(2, { record });
  await going.pause();
  const control = new AbortController();
  const cut = exportRun(run, { to: "tensorboard", out: join(record, "cut"), follow: true }, control.signal);
  control.abort();
  assert.equal((await cut).files[0]!.rows, 4, "interrupted, it has what was there: one of them was left behind");
  const followed = exportRun(run.folder, { to: "tensorboard", out, follow: true });
  await going.resume();
  await going.done;
  const { files } = await followed;
  const whole = await exportRun(run.folder, { to: "tensorboard" });
  assert.deepEqual(files, whole.files);
  const name = files[0]!.name;
  assert.deepEqual(await readFile(join(out, name)), await readFile(join(whole.folder, name)));
  assert.equal(files[0]!.rows, 6);
});

test("metrics.jsonl has one object per step that counts, numbers as they were recorded", async () => {
  run.append({ type: "evaluation", step: 3, label: "held out", metrics: { accuracy: 0.5 } });
  const { folder } = await exportRun(run, { to: "metrics", out: join(record, "metrics") });
  const lines = await readLines(join(folder, "metrics.jsonl"));
  const recorded = stepsOf(await run.events());
  assert.deepEqual(
    lines,
    recorded.map(({ step, time, metrics }) => ({
      step,
      time: time / 1000,
      ...metrics,
      ...(step === 3 && { "evaluation/held out/accuracy": 0.5 }),
    })),
  );
});

test("TRL gets conversations, prompts with completions, and tokens with the masks of then", async () => {
  const { folder, files } = await exportRun(run, { to: "trl", steps: [1, 1] });
  assert.deepEqual(
    files.map(({ name, rows }) => [name, rows]),
    [
      ["messages.jsonl", 4],
      ["prompt-completion.jsonl", 4],
      ["tokens.jsonl", 4],
    ],
  );
  const [messages, completions, tokens] = await Promise.all(files.map(({ name }) => readLines(join(folder, name))));
  assert.deepEqual(messages![0]!.messages, [
    { role: "user", content: "<C>1+1=?" },
    { role: "assistant", content: "Let me compute.\n```python\nprint(1+1)\n```\n" },
    { role: "tool", content: "```output\n2\n```\n" },
    { role: "assistant", content: "\\boxed{2}" },
  ]);
  const { messages: _, ...about } = messages![0]!;
  assert.deepEqual(about, {
    step: 1,
    group: 0,
    sample: 0,
    task_id: "task-0",
    family: "test",
    answer: "2",
    reward: 1,
    correct: true,
    tool_calls: 1,
    stop_reason: "completed",
  });
  const { tokenizer } = trainer.policy;
  for (const [i, { prompt, completion }] of completions!.entries()) {
    const parts = (messages![i]!.messages as { role: string; content: string }[]).slice(1);
    assert.equal(prompt, "<C>1+1=?");
    assert.equal(completion, parts.map(({ content }) => content).join(""));
    const own = parts.filter(({ role }) => role === "assistant").map(({ content }) => content);
    assert.equal(own.join(""), written[i]);
    const row = tokens![i] as Record<string, number[]>;
    const decoded = (mask: number[]) => tokenizer.decode(row.input_ids!.filter((_, at) => mask[at]));
    assert.equal(decoded(row.completion_mask!), completion);
    assert.equal(decoded(row.assistant_masks!), written[i]);
    assert.ok(row.logprobs!.every((logprob, at) => (logprob === null) !== (row.assistant_masks![at] === 1)));
  }
});

test("verl gets each task once and each rollout as a row; our own loader reads the tasks back", async () => {
  const { folder } = await exportRun(run, { to: "verl" });
  const read = async (name: string) => parquetReadObjects({ file: await asyncBufferFromFile(join(folder, name)) });
  const rollouts = await read("rollouts.parquet");
  assert.equal(rollouts.length, 4 + 4 * 6);
  assert.deepEqual(rollouts[1], {
    data_source: "arithmetic",
    prompt: [{ role: "user", content: "<C>1+1=?" }],
    ability: "test",
    reward_model: { style: "rule", ground_truth: "2" },
    extra_info: {
      index: 1n,
      split: "train",
      task_id: "task-0",
      question: "1+1=?",
      step: 1n,
      group: 0n,
      sample: 1n,
      response: "```python\nx\n```\n```output\n2\n```\nI think 2",
      reward: -1,
      correct: false,
      tool_calls: 1n,
      stop_reason: "completed",
    },
  });
  const recorded = new Map<string, string>();
  for (const step of await run.rolloutSteps())
    for (const row of await readLines(join(run.folder, "rollouts", `step-00000${step}.jsonl`))) {
      const task = row.task as { prompt: string; answer: string };
      recorded.set(task.prompt, task.answer);
    }
  const set = await tasks.load(join(folder, "tasks.parquet"), { columns: { prompt: "extra_info.question" } });
  assert.deepEqual(
    [...set].map(({ prompt, answer }) => [prompt, answer]),
    [...recorded],
  );
});

test("what cannot be exported is refused, and files of before stay as they are", async () => {
  const out = join(record, "kept");
  const before = await exportRun(run, { to: "trl", out });
  const bytes = await readFile(join(out, "messages.jsonl"));
  const refuses = (work: Promise<unknown>, pattern: RegExp, kind: typeof RecordingError | typeof InvalidInputError) =>
    assert.rejects(work, (error) => {
      assert.ok(error instanceof kind, String(error));
      assert.match(`${error.message} ${error.hint}`, pattern);
      return true;
    });
  await refuses(exportRun(join(record, "nowhere"), { to: "trl" }), /not the folder of a run/, RecordingError);
  await refuses(exportRun(run, { to: "tensorbord" as "trl" }), /did you mean "tensorboard"/, InvalidInputError);
  await refuses(exportRun(run, { to: "verl", follow: true }), /"tensorboard" alone/, InvalidInputError);
  await refuses(exportRun(run, { to: "metrics", steps: [1, 2] }), /has all steps/, InvalidInputError);
  await refuses(exportRun(run, { to: "trl", steps: [3, 2] }), /3 to 2/, InvalidInputError);
  await refuses(exportRun(run, { to: "trl", out, steps: [90, 99] }), /It has those of 1 to 5/, InvalidInputError);
  const empty = await Run.create({ folder: record });
  await refuses(exportRun(empty, { to: "verl", out }), /has no rollouts/, RecordingError);
  const path = join(run.folder, "rollouts", "step-000003.jsonl");
  const whole = await readFile(path);
  await writeFile(path, whole.subarray(0, whole.length / 2));
  for (const to of ["trl", "verl"] as const)
    await refuses(exportRun(run, { to, out }), /step-000003\.jsonl/, RecordingError);
  await writeFile(path, whole);
  assert.deepEqual(await readFile(join(out, "messages.jsonl")), bytes);
  assert.deepEqual((await readdir(out)).sort(), before.files.map(({ name }) => name).sort());
});

test("cirlab export writes, says where, and explains what it cannot do", async () => {
  const out = join(record, "by-command");
  const done = await cirlab("export", run.id, "--to", "metrics", "--out", out, "--folder", record);
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /by-command\n {2}metrics\.jsonl {2}5 rows/);
  const shown = (await exportRun(run, { to: "metrics", out }))[displaySymbol]();
  assert.match(String(shown["text/plain"]), /metrics\.jsonl +5/);
  const none = await cirlab("export", "2020", "--to", "trl", "--folder", record);
  assert.equal(none.code, 1);
  assert.match(none.err, /names no single run/);
  const wrong = await cirlab("export", run.id, "--to", "trl", "--steps", "3", "--folder", record);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /10-20, was 3/);
});
