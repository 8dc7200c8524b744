import type { Pool } from "../pool.ts";
import type { LaneJob } from "../protocol.ts";
import type { SelfTestReport } from "../types.ts";

/** Ways from a script to its host: each must throw or come to nothing. */
const attempts: Record<string, string> = {
  "Node's process": "process.pid",
  "Node's process through a constructor": "(() => {}).constructor('return process')().pid",
  "Node's process through the console": "console.log.constructor.constructor('return process.version')()",
  "Node's modules": "require('node:fs').readFileSync('/etc/passwd')",
  "Node's bindings": "globalThis.process.binding('fs')",
  "the network": "fetch('http://127.0.0.1')",
  "a web socket": "new WebSocket('ws://127.0.0.1')",
  "a thread": "new Worker('data:,1')",
  "QuickJS's own modules": "std.getenv('PATH') + os.exec(['true'])",
  "a script from a file": "std.loadFile('/etc/passwd')",
  WebAssembly: "new WebAssembly.Memory({ initial: 1 })",
  "the host's functions through the stack": "(function probe() { return probe.caller.caller })()",
};

const program = `
const attempts = ${JSON.stringify(attempts)};
for (const [name, code] of Object.entries(attempts)) {
  try {
    const found = (0, eval)(code);
    if (found === undefined || found === null) continue;
  } catch {
    continue;
  }
  console.log(name);
}
try { await import("node:fs"); console.log("an import"); } catch {}
console.log("end");
`;

const plain: Omit<LaneJob, "code"> = {
  seed: 0,
  clock: null,
  // Generous: a busy machine must not look like one that does not hold.
  timeoutMs: 30_000,
  memoryMb: 64,
  maxOutputBytes: 1 << 16,
  lastExpression: false,
  plots: false,
  profile: "bare",
  session: null,
};

/** Tries to get out of QuickJS and to hold it up, and whether it still runs ordinary code afterwards. */
export async function testQuickJs(pool: Pool): Promise<SelfTestReport> {
  const run = async (code: string, timeoutMs = plain.timeoutMs): Promise<{ status: string; output: string }> => {
    const found = await pool.run({ ...plain, code, timeoutMs });
    if (found.status === "infrastructure") return { status: found.status, output: found.reason };
    return { status: found.status, output: `${found.stdout}${found.report?.error?.lastLine ?? ""}` };
  };
  const probes: SelfTestReport["probes"] = [];
  const add = (name: string, holds: boolean, found: string): void => {
    probes.push(holds ? { name, holds } : { name, holds, found });
  };
  const { output } = await run(program);
  const said = output.split("\n");
  for (const name of [...Object.keys(attempts), "an import"])
    add(name, !said.includes(name) && said.includes("end"), "it was not refused");
  for (const [name, code, status] of [
    ["an endless loop", "for (;;) { try { for (;;); } catch {} }", "timeout"],
    ["endless promises", "const again = () => Promise.resolve().then(again); await again()", "timeout"],
    ["a backtracking expression", "/^(a+)+$/.test('a'.repeat(50) + 'b')", "timeout"],
    ["a large allocation", "const all = []; for (;;) all.push(new Uint8Array(1 << 20))", "memory"],
    ["a flood of output", "for (;;) console.log('x'.repeat(1000))", "outputLimit"],
  ] as const) {
    const found = await run(code, status === "timeout" ? 200 : undefined);
    add(name, found.status === status, `${found.status} ${found.output.slice(0, 200)}`);
  }
  await run("globalThis.left = 1; Array.prototype.map = Object.prototype.left = 2");
  const after = await run("console.log([6].map((x) => x * 7)[0], typeof left)");
  add("an ordinary snippet afterwards", after.output === "42 undefined\n", after.output);
  return { holds: probes.every(({ holds }) => holds), probes };
}
