import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../../bin/cirlab.js", import.meta.url));

/** Runs `cirlab doctor`; its lines by what they are about, and its exit code. */
function doctor(args: readonly string[]) {
  return new Promise<{ report: Map<string, string[]>; complaint: string; exitCode: number }>((resolve) => {
    execFile(process.execPath, [program, "doctor", ...args], (error, stdout, complaint) => {
      const report = new Map<string, string[]>();
      let about: string[] = [];
      for (const line of stdout.trimEnd().split("\n")) {
        const name = line.slice(0, 14).trim();
        if (name) {
          about = [];
          report.set(name, about);
        }
        about.push(line.slice(15));
      }
      resolve({ report, complaint, exitCode: error ? Number(error.code) : 0 });
    });
  });
}

test("the doctor tells of each engine: how its attacks on itself went, or what to do about it", async () => {
  const { report, exitCode, complaint } = await doctor([]);
  assert.equal(exitCode, 0, complaint);
  assert.match(report.get("cpu")![0]!, /^yes: /);
  assert.ok(report.get("node")![0]!.startsWith(process.version));
  const everywhere = ["Pyodide", "QuickJS"];
  const here = existsSync("/usr/bin/bwrap") ? [...everywhere, "jailed Python"] : everywhere;
  for (const engine of here) {
    const [state, tested] = report.get(engine)!;
    assert.match(state!, /^yes: /, engine);
    assert.match(tested!, /^self-test: all \d+ probes hold$/, engine);
  }
  if (here === everywhere) {
    const [state, remedy] = report.get("jailed Python")!;
    assert.match(state!, /^no: /);
    assert.match(remedy!, /install bubblewrap and python3/);
  }
});

test("arguments that the doctor does not know are refused", async () => {
  const { exitCode, complaint } = await doctor(["--fix"]);
  assert.equal(exitCode, 2);
  assert.match(complaint, /takes no arguments, was given --fix/);
});
