import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { type TestContext, test } from "node:test";
import { PythonInterpreter, type PythonInterpreterOptions } from "../../src/interpreter/index.ts";
import { Lane, type LaneDiedError } from "../../src/interpreter/lane.ts";
import { Pool } from "../../src/interpreter/pool.ts";
import type { LaneJob } from "../../src/interpreter/protocol.ts";
import { until } from "../until.ts";
import { needsJail } from "./jail.ts";

async function startJail(t: TestContext, options: PythonInterpreterOptions = {}): Promise<PythonInterpreter> {
  const python = await PythonInterpreter.start({ engine: "jail", profile: "bare", ...options });
  t.after(() => python.close());
  return python;
}

const request: LaneJob = {
  code: "",
  seed: 0,
  clock: null,
  timeoutMs: 1000,
  memoryMb: 64,
  maxOutputBytes: 1000,
  lastExpression: false,
  plots: false,
  profile: "bare",
  session: null,
};

/** A real process that speaks as `program` says; `line` there is what it was asked. */
function laneThatSays(program: string, deadlineMs = 5000, atStart = ""): Lane {
  const script = `
    ${atStart}
    const say = (value) => process.stdout.write((typeof value === "string" ? value : JSON.stringify(value)) + "\\n");
    say({ ready: true, version: "1" });
    require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
      const { id } = JSON.parse(line);
      ${program}
    });`;
  const connect = () => {
    const child: ChildProcess = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "pipe"] });
    return { child, requests: child.stdin!, replies: child.stdout!, handles: [child] };
  };
  const times = { deadlineMs: () => deadlineMs, deadlineMeans: "died" } as const;
  return new Lane({ profile: "bare", capacity: 1, connect, ...times });
}

const lies: [string, string, LaneDiedError["kind"]][] = [
  ["a line that is no JSON", 'say("{");', "protocol"],
  ["an answer to a question that nobody asked", 'say({ id: id + 1, done: "crash", reusable: true });', "protocol"],
  ["a second start", 'say({ ready: true, version: "1" });', "protocol"],
  ["an unknown verdict", 'say({ id, done: "fine", reusable: true });', "protocol"],
  ["output of another snippet", 'say({ id: 99, out: "aGk=" });', "protocol"],
  ["its end", "process.exit(3);", "died"],
  ["nothing", "", "overdue"],
];

for (const [what, program, kind] of lies)
  test(`a process that answers with ${what} is ended, and its snippet is nobody's result`, async () => {
    const lane = laneThatSays(program, kind === "overdue" ? 200 : 5000);
    await lane.ready;
    await assert.rejects(lane.run({ ...request, id: 1 }), (error: LaneDiedError) => error.kind === kind);
    assert.ok(lane.dead);
    await lane.gone;
    await assert.rejects(lane.run({ ...request, id: 2 }));
  });

test("a pool whose processes keep failing says so in the result, and counts each kind", async (t) => {
  const pool = new Pool({
    start: () => laneThatSays("say('not JSON')"),
    lanes: 1,
    processes: 1,
    isolation: "pooled",
    maxSnippets: 10,
    diesTwice: "infrastructure",
    sessions: "shared",
    maxSessions: 1,
  });
  t.after(() => pool.close());
  const outcome = await pool.run(request);
  assert.equal(outcome.status, "infrastructure");
  assert.ok(outcome.metFailure);
  await until(() => pool.failures.protocol === 3, "the third process is gone");
  assert.deepEqual(pool.failures, { start: 0, died: 0, protocol: 3, overdue: 0 });
});

test("a pool whose processes do not start gives up with the reason, and tries again when asked again", async (t) => {
  let works = false;
  const pool = new Pool({
    start: () =>
      laneThatSays('say({ id, done: "crash", reusable: true });', 5000, works ? "" : "throw Error('no such library');"),
    lanes: 1,
    processes: 2,
    isolation: "pooled",
    maxSnippets: 10,
    diesTwice: "infrastructure",
    sessions: "shared",
    maxSessions: 1,
  });
  t.after(() => pool.close());
  await assert.rejects(pool.ready(), /ended with exit code 1/);
  const outcome = await pool.run(request);
  assert.equal(outcome.status, "infrastructure");
  assert.match("reason" in outcome ? outcome.reason : "", /ended with exit code 1/);
  assert.ok(pool.failures.start >= 3);
  works = true;
  assert.equal((await pool.run(request)).status, "crash");
});

test("snippets that wait do not hold up others, whatever their number", async (t) => {
  if (!needsJail(t)) return;
  const python = await startJail(t, { lanes: 2 });
  let asleep = 12;
  const sleepers = Array.from({ length: asleep }, () =>
    python.run("import time\ntime.sleep(4)", { timeoutMs: 8000 }).then(({ status }) => {
      asleep--;
      return status;
    }),
  );
  const quick = await Promise.all(Array.from({ length: 64 }, (_, i) => python.run(`print(${i})`)));
  assert.equal(asleep, 12, "all quick ones are done before the first sleeper");
  assert.deepEqual(
    quick.map(({ stdout }) => stdout),
    quick.map((_, i) => `${i}\n`),
  );
  assert.deepEqual(new Set(await Promise.all(sleepers)), new Set(["ok"]));
});

test("snippets that compute for long leave as many lanes to quick ones, and no more of them run than that", async (t) => {
  if (!needsJail(t)) return;
  const python = await startJail(t, { lanes: 2 });
  const long = Array.from({ length: 6 }, () => python.run("while True: pass", { timeoutMs: 1500 }));
  const quick = await Promise.all(Array.from({ length: 20 }, (_, i) => python.run(`print(${i})`)));
  assert.ok(quick.every(({ status }) => status === "ok"));
  const results = await Promise.all(long);
  assert.ok(results.every(({ status }) => status === "timeout"));
  // Two start at once, two more beside them when those are known to be slow, the last two when the first end.
  assert.ok(results.filter(({ queuedMs }) => queuedMs > 1000).length >= 2);
});

test("zygotes killed in the middle of a rollout cost no result, and no output goes to another snippet", async (t) => {
  if (!needsJail(t)) return;
  const python = await startJail(t, { lanes: 4, maxInfrastructureRate: 0 });
  assert.equal(python.stats().alarm, undefined);
  const code = (i: number) => `import time\nfor k in range(5):\n    print(${i}, k, flush=True)\n    time.sleep(0.02)`;
  const results = Array.from({ length: 120 }, (_, i) => python.run(code(i)));
  for (const moment of [10, 60]) {
    await results[moment];
    process.kill(python.pids[0]!, "SIGKILL");
  }
  for (const [i, { status, stdout }] of (await Promise.all(results)).entries()) {
    assert.equal(status, "ok");
    assert.equal(stdout, Array.from({ length: 5 }, (_, k) => `${i} ${k}\n`).join(""));
  }
  const { failuresByKind, infrastructureFailures, infrastructureRate, alarm } = python.stats();
  assert.equal(failuresByKind.died, 2);
  assert.equal(infrastructureFailures, 2);
  assert.ok(infrastructureRate > 0 && infrastructureRate < 0.5);
  assert.match(alarm!, /^\d+ of the last 120 snippets met a failure of the interpreter itself \(limit 0%\)\.$/);
});
