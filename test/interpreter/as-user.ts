import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

/** The user "nobody": no rights of its own, no groups. */
const ordinaryUser = 65534;

/** Runs a test program again as an ordinary user; where this one is no administrator, it was run as one already. */
export async function passesAsOrdinaryUser(t: TestContext, program: string, pattern: string): Promise<void> {
  if (process.getuid?.() !== 0) return t.skip("only an administrator can take another user's place");
  // Not under /tmp, which is another folder inside of a sandbox.
  const home = await mkdtemp(join("/var/tmp", "cirlab-user-"));
  t.after(() => rm(home, { recursive: true }));
  await chown(home, ordinaryUser, ordinaryUser);
  const { NODE_TEST_CONTEXT: _, XDG_CACHE_HOME: __, ...env } = process.env;
  const child = spawn(
    process.execPath,
    ["--test", `--test-name-pattern=${pattern}`, fileURLToPath(new URL(`./${program}.js`, import.meta.url))],
    { uid: ordinaryUser, gid: ordinaryUser, env: { ...env, HOME: home }, cwd: "/", stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text) => {
      said += text;
    });
  const [exitCode] = await once(child, "close");
  if (/EACCES|Cannot find module|MODULE_NOT_FOUND/.test(said) && !/subtest/i.test(said))
    return t.skip("an ordinary user cannot read this checkout");
  assert.equal(exitCode, 0, said.split("\n").slice(-200).join("\n"));
  assert.match(said, /# pass [1-9]/);
}
