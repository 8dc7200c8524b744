import { parseArgs } from "node:util";
import { interruptChecks, protocolChecks } from "./checks/index.ts";
import { runChecks } from "./run.ts";
import { findTarget } from "./targets.ts";

const usage = `Usage: node dist/test/conformance/main.js [--kernel NAME ...] [--language NAME] [--only TEXT]

Runs the conformance checks against kernels and prints what passes.
  --kernel NAME    cirlab (default), ipykernel, tslab, deno, or the name of an installed kernelspec; repeatable.
                   ipykernel is looked for in the virtual environment that CIRLAB_PEERS names, then in python3
  --language NAME  cells to use: typescript, tslab, deno, python
  --only TEXT      only checks whose name contains the text`;

/** Returns the exit code: 0 when every check of every kernel passed, 1 when some failed, 2 when a kernel is not here. */
async function main(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      kernel: { type: "string", multiple: true, default: ["cirlab"] },
      language: { type: "string" },
      only: { type: "string", default: "" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const summary: string[] = [];
  let failed = 0;
  for (const name of values.kernel) {
    const target = await findTarget(name, values.language);
    if (!target) {
      console.error(`There is no kernel "${name}" on this machine.`);
      return 2;
    }
    const groups = { checks: protocolChecks, interrupts: interruptChecks(target.byMessage) };
    for (const [group, checks] of Object.entries(groups)) {
      const wanted = checks.filter((check) => check.name.includes(values.only));
      const results = await runChecks(target, wanted, ({ name: check, problem, ms }) => {
        console.log(
          `${name.padEnd(10)} ${problem === undefined ? "pass" : "FAIL"} ${ms.toFixed(0).padStart(6)} ms  ${check}`,
        );
        if (problem !== undefined) console.log(`${" ".repeat(26)}${problem}`);
      });
      const passed = results.filter(({ problem }) => problem === undefined).length;
      failed += results.length - passed;
      summary.push(`${name}: ${passed} of ${results.length} ${group}`);
    }
  }
  console.log(`\n${summary.join("\n")}`);
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
