import assert from "node:assert/strict";
import { test } from "node:test";
import { pace, paceRows, percentile } from "./callers.ts";

test("a percentile is a value of the list, whatever its order", () => {
  const values = Array.from({ length: 100 }, (_, i) => 99 - i);
  assert.deepEqual(
    [0, 0.5, 0.99, 1].map((share) => percentile(values, share)),
    [0, 50, 99, 99],
  );
});

test("callers ask one after the other, each twice at least, and check every answer", async () => {
  const asked: [code: string, caller: number][] = [];
  let under = 0;
  let most = 0;
  const runner = {
    async run(code: string, caller: number) {
      asked.push([code, caller]);
      most = Math.max(most, ++under);
      await new Promise(setImmediate);
      under--;
      return `out ${code}`;
    },
    close: async () => undefined,
  };
  const snippet = (i: number) => ({ code: String(i), stdout: `out ${i}` });
  const found = await pace(runner, snippet, 3, 0);
  assert.equal(asked.length, 6);
  assert.equal(new Set(asked.map(([code]) => code)).size, 6);
  assert.deepEqual(
    [0, 1, 2].map((caller) => asked.filter(([, who]) => who === caller).length),
    [2, 2, 2],
  );
  assert.equal(most, 3);
  assert.ok(found.p99 >= found.p50 && found.perSecond > 0);
  await assert.rejects(
    pace(runner, () => ({ code: "x", stdout: "y" }), 1, 0),
    /printed "out x"/,
  );
  assert.deepEqual(
    paceRows("w", [found]).map(({ unit, ours, peer }) => [unit, ours.length, peer.length]),
    [
      ["snippets/s", 1, 0],
      ["ms", 1, 0],
      ["ms", 1, 0],
    ],
  );
});
