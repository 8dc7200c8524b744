import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { until } from "../until.ts";
import { descendants, descriptors, privateMb } from "./host.ts";

/** What the interpreter's processes take, each snippet of its own at its end. */
function taken(python: PythonInterpreter): { processes: number; descriptors: number; own: number; memoryMb: number } {
  const below = descendants(python.pids);
  return {
    processes: below.length,
    descriptors: below.reduce((sum, pid) => sum + descriptors(pid), 0),
    own: descriptors(process.pid),
    memoryMb: below.reduce((sum, pid) => sum + privateMb(pid), 0),
  };
}

const kinds = [
  (i: number) => [`print(${i})`, `${i}\n`],
  (i: number) => [`print(${i})\n1 / 0`, `${i}\n`],
  (i: number) => [`import os\nprint(${i}, flush=True)\nos._exit(1)`, `${i}\n`],
  (i: number) => [`x = bytearray(2**20)\nprint(len(x) + ${i})`, `${2 ** 20 + i}\n`],
  (i: number) => [`open("f", "w").write("x" * 10**5)\nprint(${i})`, `${i}\n`],
] as const;

/** Runs that many snippets of several kinds in the jail and asserts that nothing grows. */
export async function soak(t: TestContext, count: number): Promise<void> {
  const python = await PythonInterpreter.start({ engine: "jail", profile: "bare", lanes: 2 });
  t.after(() => python.close());
  let next = 0;
  const work = async (until: number): Promise<void> => {
    while (next < until) {
      const i = next++;
      const [code, expected] = kinds[i % kinds.length]!(i);
      const { stdout, status } = await python.run(code!);
      assert.equal(stdout, expected, `snippet ${i}: ${status}`);
    }
  };
  const all = (until: number) => Promise.all(Array.from({ length: 4 }, () => work(until)));
  await all(Math.min(100, count / 5));
  const { pids } = python;
  let standing = -1;
  await until(() => {
    const last = standing;
    standing = descendants(pids).length;
    return last === standing;
  }, "the first snippets' processes are gone");
  const before = taken(python);
  const heap = process.memoryUsage().heapUsed;
  await all(count);
  await until(() => descendants(python.pids).length === before.processes, "the last snippets' processes are gone");
  const after = taken(python);
  t.diagnostic(`${count} snippets: ${JSON.stringify(before)} then ${JSON.stringify(after)}`);
  assert.deepEqual(python.pids, pids, "the same processes served all of them");
  assert.deepEqual(
    { ...after, memoryMb: 0 },
    { ...before, memoryMb: 0 },
    "as many processes and descriptors as before",
  );
  assert.ok(after.memoryMb - before.memoryMb < 4, `${before.memoryMb} MiB, then ${after.memoryMb}`);
  assert.ok(process.memoryUsage().heapUsed - heap < 64 * 2 ** 20);
  assert.equal(python.stats().infrastructureFailures, 0);
}
