import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { Interpreter } from "../../src/interpreter/index.ts";

test("10,000 snippets in a row leave memory, processes and descriptors as they were", async (t) => {
  if (process.platform !== "linux") return t.skip("reads /proc");
  const js = await Interpreter.start({ language: "javascript", lanes: 2 });
  t.after(() => js.close());
  const { pids } = js as unknown as { pids: number[] };
  const descriptors = async () => (await readdir("/proc/self/fd")).length;
  const run = async (from: number, to: number) => {
    let next = from;
    const caller = async () => {
      while (next < to) {
        const i = next++;
        assert.equal((await js.run(`console.log(${i}, { a: [1] })`)).stdout, `${i} { a: [ 1 ] }\n`);
      }
    };
    await Promise.all([caller(), caller()]);
  };
  await run(0, 1000);
  const before = { descriptors: await descriptors(), rss: process.memoryUsage.rss(), processes: pids.length };
  await run(1000, 11_000);
  assert.ok((await descriptors()) <= before.descriptors + 2);
  assert.ok(process.memoryUsage.rss() - before.rss < 80 * 2 ** 20);
  const now = (js as unknown as { pids: number[] }).pids;
  assert.ok(now.length <= before.processes + 1);
  for (const pid of now) {
    const rssKb = Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    assert.ok(rssKb < 300_000, `${rssKb} kB`);
  }
});
