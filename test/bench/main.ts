import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { commandFile } from "../../kernel/package.ts";
import { writeFileAtomic } from "../../src/base/files.ts";
import { bench as generation } from "./generation.bench.ts";
import { bench as grader } from "./grader.bench.ts";
import { bench as interpreter } from "./interpreter.bench.ts";
import { bench as kernel } from "./kernel.bench.ts";
import { bench as lab } from "./lab.bench.ts";
import type { Bench, BenchContext } from "./measure.ts";
import { conditions, replaceSection, tableText } from "./report.ts";
import { bench as server } from "./server.bench.ts";
import { bench as spare } from "./spare.bench.ts";
import { bench as training } from "./training.bench.ts";

const benches: Readonly<Record<string, Bench>> = {
  training,
  generation,
  kernel,
  spare,
  interpreter,
  grader,
  lab,
  server,
};

const usage = `npm run bench -- [${Object.keys(benches).join(" | ")} ...] [options]

Measures this package beside its peers, in turn, and prints the ratios.
  --rounds N      rounds that medians are taken over (default: 7)
  --threads N     computing threads, ours and the peers' (default: the cores, 2 at most)
  --python PATH   Python that has torch, ipykernel or jupyter_server (default: $CIRLAB_BENCH_PYTHON, /usr/bin/python3, python3,
                  $CIRLAB_PEERS)
  --write         put the tables into BENCHMARKS.md`;

const parse = (argv: string[]) =>
  parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "7" },
      threads: { type: "string", default: String(Math.min(2, availableParallelism())) },
      python: { type: "string" },
      write: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });

/** Runs the benchmarks named in `argv`, or all. Returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(argv);
  } catch (error) {
    console.error(`cirlab bench: ${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const names = positionals.length ? positionals : Object.keys(benches);
  const [rounds, threads] = [Number(values.rounds), Number(values.threads)];
  const wrong =
    names.find((name) => !Object.hasOwn(benches, name)) ??
    [rounds, threads].find((count) => !Number.isInteger(count) || count < 1);
  if (wrong !== undefined) {
    console.error(`cirlab bench: cannot use "${wrong}".\n\n${usage}`);
    return 2;
  }
  const context: BenchContext = {
    rounds,
    threads,
    python: (...modules) => findPython(values.python, modules),
    say: (text) => console.error(`  ${text}`),
  };
  const root = dirname(dirname(commandFile));
  const file = join(root, "BENCHMARKS.md");
  for (const name of names) {
    console.error(name);
    const tables = await benches[name]!(context);
    const text = [...tables.map(tableText), conditions(root, rounds)].join("\n\n");
    console.log(`\n${text}\n`);
    if (values.write) await writeFileAtomic(file, replaceSection(await readFile(file, "utf8"), name, `\n${text}\n`));
  }
  return 0;
}

/** The first Python that imports all the modules. */
function findPython(given: string | undefined, modules: readonly string[]): string | undefined {
  const peers = process.env.CIRLAB_PEERS && join(process.env.CIRLAB_PEERS, "bin", "python");
  const candidates = [given, process.env.CIRLAB_BENCH_PYTHON, "/usr/bin/python3", "python3", peers];
  const imports = modules.map((name) => `import ${name}`).join("; ");
  return candidates.find((python) => python && spawnSync(python, ["-c", imports], { stdio: "ignore" }).status === 0);
}
