import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { serveJsonLines } from "../../src/commands/json-lines.ts";

const program = fileURLToPath(new URL("../../../bin/cirlab.js", import.meta.url));
type Answer = Record<string, unknown> & { error?: { name: string; message: string } };

function start(...options: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [program, "python", "--jsonl", ...options]);
  child.stdin.on("error", () => {});
  return child;
}

/** Runs the command on an input; its answers, and how it ended. */
async function answers(input: string | Buffer, ...options: string[]) {
  const child = start(...options);
  child.stdin.end(input);
  const lines: Answer[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(JSON.parse(line)));
  let complaint = "";
  child.stderr.on("data", (text) => {
    complaint += text;
  });
  const [exitCode] = await once(child, "close");
  return { lines, exitCode, complaint };
}

const line = (request: object): string => `${JSON.stringify(request)}\n`;
const times = (result: Answer): Answer => ({ ...result, durationMs: 0, queuedMs: 0, peakMemoryMb: 0 });

test("answers come in the order of the input, whatever ends first; what is no request is answered with an error", async () => {
  const input = [
    line({ id: "slow", code: "import time\ntime.sleep(0.7)\nprint('slow')" }),
    `${line({ id: 2, code: "print('quick')" }).trimEnd()}\r\n`,
    "\n  \r\n",
    "no JSON\n",
    line({ id: 5, cod: "print(1)" }),
    line({ id: 6, code: "print(1)", timeoutMs: -1 }),
    "[1, 2]\n",
    line({ id: "error", code: "x = 1\n1 / 0" }),
    line({ id: "time", code: "while True: pass", timeoutMs: 300 }),
    line({ id: "output", code: "print('x' * 5000)", maxOutputBytes: 1000 }),
    line({ id: "value", code: "print(1)\n6 * 7", lastExpression: true }),
    line({ id: "bytes", code: "import sys\nsys.stdout.buffer.write(b'\\xff\\x00')" }),
    '{"id":"last","code":"print(\'no newline\')"}',
  ].join("");
  const { lines, exitCode, complaint } = await answers(input, "--lanes", "2");
  assert.equal(exitCode, 0, complaint);
  assert.match(complaint, /^cirlab python: Python 3\.\d+\.\d+ /);
  assert.deepEqual(
    lines.map(({ id, line, status }) => [id ?? line, status]),
    [
      ["slow", "ok"],
      [2, "ok"],
      [5, "invalid"],
      [5, "invalid"],
      [6, "invalid"],
      [8, "invalid"],
      ["error", "error"],
      ["time", "timeout"],
      ["output", "outputLimit"],
      ["value", "ok"],
      ["bytes", "ok"],
      ["last", "ok"],
    ],
  );
  assert.deepEqual(times(lines[1]!), {
    id: 2,
    status: "ok",
    exitCode: 0,
    stdout: "quick\n",
    stderr: "",
    durationMs: 0,
    queuedMs: 0,
    peakMemoryMb: 0,
    truncated: false,
  });
  assert.match(lines[2]!.error!.message, /^The line is no JSON: .*no JSON/);
  assert.match(lines[3]!.error!.message, /code: .*cod/);
  assert.equal(lines[3]!.line, 6);
  assert.match(lines[4]!.error!.message, /timeoutMs.*-1/);
  assert.equal(lines[6]!.error!.name, "ZeroDivisionError");
  assert.equal((lines[6]!.error as Record<string, unknown>).line, 2);
  assert.equal(lines[8]!.truncated, true);
  assert.ok((lines[8]!.stdout as string).length <= 1000);
  assert.deepEqual([lines[9]!.stdout, lines[9]!.value], ["1\n", "42"]);
  assert.deepEqual([...Buffer.from(lines[10]!.stdoutBase64 as string, "base64")], [0xff, 0]);
  assert.equal(lines[11]!.stdout, "no newline\n");
});

test("a long line is answered with an error, and the next one is served", async () => {
  const huge = Buffer.alloc(17 * 2 ** 20, "x");
  const input = Buffer.concat([huge, Buffer.from(`\n${line({ id: 1, code: "print(1)" })}`)]);
  const { lines, exitCode } = await answers(input);
  assert.equal(exitCode, 0);
  assert.match(lines[0]!.error!.message, /longer than the limit of 16777216 bytes/);
  assert.equal(lines[1]!.stdout, "1\n");
});

test("who stops reading the answers ends the command", async () => {
  const child = start("--lanes", "2");
  const stream = setInterval(() => child.stdin.write(line({ id: 1, code: "print('x' * 10000)" }).repeat(20)), 5);
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [exitCode] = await once(child, "exit");
  clearInterval(stream);
  assert.equal(exitCode, 141);
});

test("an interrupt ends the snippets and the command, also while the input is open", async () => {
  const child = start("--lanes", "1");
  child.stdin.write(line({ id: 1, code: "print(1)" }) + line({ id: 2, code: "while True: pass", timeoutMs: 600_000 }));
  await once(child.stdout, "data");
  child.kill("SIGINT");
  const [exitCode] = await once(child, "exit");
  assert.equal(exitCode, 130);
});

test("options that cannot be used are refused", async () => {
  for (const [options, complaint] of [
    [["--engine", "docker"], /engine.*docker/],
    [["--lanes", "0"], /lanes/],
    [["--lane", "1"], /--lane/],
  ] as const) {
    const refused = await answers("", ...options);
    assert.equal(refused.exitCode, 2);
    assert.match(refused.complaint, complaint);
  }
});

const requests = z.object({ id: z.number() });

test("no more lines are read than the window holds, and no more answers are held than the reader takes", async () => {
  const input = new PassThrough();
  const output = new PassThrough({ highWaterMark: 64 });
  let taken = 0;
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const served = serveJsonLines({
    input,
    output,
    schema: requests,
    window: 8,
    serve: async (request) => {
      taken++;
      await gate;
      return request;
    },
  });
  const total = 50_000;
  let offered = 0;
  const offer = async (): Promise<void> => {
    for (; offered < total; offered++) if (!input.write(line({ id: offered }))) await once(input, "drain");
    input.end();
  };
  const offering = offer();
  for (let turn = 0; turn < 50; turn++) await new Promise((next) => setImmediate(next));
  assert.equal(taken, 8);
  open();
  for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next));
  assert.ok(taken < 100, `nobody reads the answers, and ${taken} lines were taken`);
  assert.ok(offered < total);
  let expected = 0;
  createInterface({ input: output }).on("line", (text) => assert.equal(JSON.parse(text).id, expected++));
  await Promise.all([offering, served]);
  output.end();
  await finished(output);
  assert.equal(expected, total);
});

test("a failure of the service ends it with that failure; an abort with an interrupt", async () => {
  const failing = serveJsonLines({
    input: new PassThrough().end(line({ id: 1 })),
    output: new PassThrough(),
    schema: requests,
    window: 2,
    serve: () => Promise.reject(new RangeError("broken")),
  });
  await assert.rejects(failing, /broken/);
  const control = new AbortController();
  const open = serveJsonLines({
    input: new PassThrough(),
    output: new PassThrough(),
    schema: requests,
    window: 2,
    serve: async (request) => request,
    signal: control.signal,
  });
  control.abort();
  await assert.rejects(open, /Interrupted/);
});
