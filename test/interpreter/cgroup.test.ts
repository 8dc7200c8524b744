import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findCgroup } from "../../src/interpreter/jail/cgroup.ts";

test("only a control group with delegated limits of memory and processes is used", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "cirlab-cgroup-"));
  t.after(() => rm(root, { recursive: true }));
  const parent = join(root, "user");
  await mkdir(join(parent, "leaf"), { recursive: true });
  const own = "4:memory:/x\n0::/user/leaf\n";
  assert.equal(findCgroup([root], own), undefined, "nothing delegated");
  await writeFile(join(parent, "cgroup.procs"), "");
  await writeFile(join(parent, "cgroup.subtree_control"), "cpu memory\n");
  assert.equal(findCgroup([root], own), undefined, "no limit of processes");
  await writeFile(join(parent, "cgroup.subtree_control"), "cpu memory pids\n");
  assert.equal(findCgroup([root], own), parent);
  assert.equal(findCgroup([root], "4:memory:/x\n"), undefined, "no version 2");
});
