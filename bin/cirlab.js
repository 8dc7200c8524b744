#!/usr/bin/env node
// cirlab <command> ...: loads the command's module and runs it. Its exit code is the process's.
import { existsSync } from "node:fs";

const kernel = (name) => new URL(`../dist/kernel/commands/${name}.js`, import.meta.url);
const server = (name) => new URL(`../dist/server/commands/${name}.js`, import.meta.url);
const commands = {
  start: [server("start"), "open the notebook in the browser"],
  password: [server("password"), "a password for the notebook in the browser: set, --remove"],
  run: [kernel("run"), "execute a notebook without a browser: cirlab run x.ipynb --output out.ipynb -p steps=40"],
  doctor: [new URL("../dist/src/commands/doctor.js", import.meta.url), "what this machine has, and what it lacks"],
  packages: [
    new URL("../dist/src/commands/packages.js", import.meta.url),
    "Python packages for snippets: list, install",
  ],
  python: [new URL("../dist/src/commands/python.js", import.meta.url), "run Python snippets in the sandbox: --jsonl"],
  grade: [new URL("../dist/src/commands/grade.js", import.meta.url), "whether answers are equal: --jsonl"],
  runs: [new URL("../dist/src/commands/runs.js", import.meta.url), "recorded trainings: list, show, remove, steer"],
  export: [
    new URL("../dist/src/commands/export.js", import.meta.url),
    "a recorded run for TensorBoard, TRL, verl or as metrics.jsonl",
  ],
  train: [new URL("../dist/src/commands/train.js", import.meta.url), "train a recipe, or repeat a recorded run"],
  notebook: [server("notebook"), "notebooks to scripts in percent format (.ts) and back"],
  strip: [server("strip"), "take outputs out of notebooks; --install makes it a filter of git"],
  install: [kernel("install"), "register the kernel with the Jupyter of this machine"],
  kernel: [kernel("kernel"), "the kernel itself; Jupyter starts it with a connection file"],
};

const usage = () =>
  [
    "Usage: cirlab <command> [options]",
    "",
    ...Object.entries(commands).map(([name, [, what]]) => `  ${name.padEnd(9)} ${what}`),
    "",
    "cirlab <command> --help tells more.",
  ].join("\n");

const [name, ...rest] = process.argv.slice(2);
if (name === "--help" || name === "-h" || name === "help") {
  console.log(usage());
} else if (name === undefined || !Object.hasOwn(commands, name)) {
  console.error(name === undefined ? usage() : `cirlab: unknown command "${name}".\n\n${usage()}`);
  process.exitCode = 2;
} else if (!existsSync(commands[name][0])) {
  console.error(`cirlab: "${name}" is not built. Run: npm run build`);
  process.exitCode = 1;
} else {
  const { main } = await import(commands[name][0].href);
  process.exitCode = await main(rest);
}
