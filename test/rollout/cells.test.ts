import assert from "node:assert/strict";
import { after, test } from "node:test";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { RolloutCells } from "../../src/rollout/cells.ts";

const python = await PythonInterpreter.start({ timeoutMs: 1500 });
after(() => python.close());

const open = (rolloutId: string, stateful = true) => RolloutCells.of(python, { rolloutId, stateful });

test("stateless cells share nothing; stateful ones share variables, but not with another rollout", async () => {
  const apart = open("a", false);
  await apart.run("x = 41");
  assert.equal((await apart.run("print(x)")).error?.name, "NameError");
  const together = open("b");
  await together.run("x = 41");
  assert.equal((await together.run("print(x + 1)")).stdout, "42\n");
  const other = open("c");
  assert.equal((await other.run("print(x)")).error?.name, "NameError");
  for (const cells of [apart, together, other]) await cells.close();
});

test("a fork has the variables of the cells that it keeps, leaves its parent alone, and outlives it", async () => {
  const parent = open("parent");
  await parent.run("x = 1");
  await parent.run("x = x + 1");
  const early = parent.fork(1);
  const late = parent.fork(2);
  assert.equal((await early.run("x = x * 10\nprint(x)")).stdout, "10\n");
  await parent.close();
  assert.equal((await late.run("print(x)")).stdout, "2\n");
  assert.equal(early.mismatch, undefined);
  const again = early.fork(2);
  assert.equal((await again.run("print(x)")).stdout, "10\n");
  for (const cells of [early, late, again]) await cells.close();
});

test("a replay that does not repeat is reported on the fork", async () => {
  const parent = open("random");
  await parent.run("import os\nprint(os.urandom(8).hex())");
  const fork = parent.fork(1);
  await fork.run("print(1)");
  assert.equal(fork.mismatch!.cell, 0);
  assert.notEqual(fork.mismatch!.expected.stdout, fork.mismatch!.found.stdout);
  for (const cells of [parent, fork]) await cells.close();
});

test("after a cell that was ended from outside the next finds a fresh session, and forks go to either side", async () => {
  const cells = open("lost");
  await cells.run("x = 5");
  assert.equal((await cells.run("while True: pass")).status, "timeout");
  assert.equal((await cells.run("print(x)")).error?.name, "NameError");
  await cells.run("y = 7");
  const before = cells.fork(1);
  assert.equal((await before.run("print(x)")).stdout, "5\n");
  const behind = cells.fork(4);
  assert.equal((await behind.run("print(y)")).stdout, "7\n");
  for (const each of [cells, before, behind]) await each.close();
});
