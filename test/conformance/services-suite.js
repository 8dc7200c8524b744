#!/usr/bin/env node
// Runs the test-suite of @jupyterlab/services, the client of JupyterLab and Notebook, against our server, and prints its
// result as a table:
//   node test/conformance/services-suite.js <jupyterlab checkout> [--work folder] [--python folder] [--only part of a name]
// <jupyterlab checkout> holds packages/services/test. In --work (default: a folder beside the checkout) the suite is
// installed and copied; it is kept, so that a second run is quick. --python is a folder with a `python` that has ipykernel
// and jupyterlab (the suite's kernels are theirs).
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** The client that our pages use, and what its tests need. */
const packages = [
  "@jupyterlab/services@7.6.4",
  "@jupyterlab/coreutils@6.6.4",
  "@jupyterlab/testing@4.6.4",
  "@babel/core@7",
  "@babel/preset-env@7",
  "@types/jest@29",
  "@types/node@20",
  "jest@29",
  "ts-jest@29",
  "typescript@5.9.3",
  "ws@8",
];
/** A spec that starts a kernel for each of its 72 tests takes minutes on a small machine. */
const specTimeoutMs = 900_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { work: { type: "string" }, python: { type: "string" }, only: { type: "string", default: "" } },
});
const checkout = positionals[0] && resolve(positionals[0]);
const source = checkout && join(checkout, "packages", "services", "test");
if (!source || !existsSync(source)) {
  console.error("Usage: services-suite.js <jupyterlab checkout> (a folder with packages/services/test)");
  process.exit(2);
}
const work = resolve(values.work ?? join(checkout, "services-suite"));
const bin = join(work, "bin");

function prepare() {
  mkdirSync(bin, { recursive: true });
  rmSync(join(work, "test"), { recursive: true, force: true });
  cpSync(source, join(work, "test"), { recursive: true });
  if (!existsSync(join(work, "package.json"))) {
    writeFileSync(join(work, "package.json"), JSON.stringify({ name: "services-suite", private: true }));
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    const installed = spawnSync(npm, ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...packages], {
      cwd: work,
      stdio: "inherit",
    });
    if (installed.status !== 0) process.exit(1);
  }
  const compilerOptions = { target: "ES2022", module: "CommonJS", esModuleInterop: true, isolatedModules: true };
  writeFileSync(join(work, "tsconfig.test.json"), JSON.stringify({ compilerOptions }));
  writeFileSync(
    join(work, "babel.config.js"),
    `module.exports = { presets: [["@babel/preset-env", { targets: { node: "current" } }]] };\n`,
  );
  // The tests are about the sources beside them; here they are about the package that our pages use.
  writeFileSync(
    join(work, "jest.config.js"),
    `const config = require("@jupyterlab/testing/lib/jest-config")(__dirname);
config.reporters = [];
config.transform["^.+\\\\.tsx?$"] = ["ts-jest/legacy", { tsconfig: "./tsconfig.test.json", diagnostics: false }];
config.moduleNameMapper["^(?:\\\\.\\\\./)+src$"] = "@jupyterlab/services";
config.moduleNameMapper["^(?:\\\\.\\\\./)+src/(.*)$"] = "@jupyterlab/services/lib/$1";
module.exports = config;
`,
  );
}

/** Puts the program that the suite starts on the path; the suite passes it nothing but that path. */
function provideProgram(port) {
  const wrapper = fileURLToPath(new URL("jupyter-lab.js", import.meta.url));
  const program = join(bin, "jupyter-lab");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${wrapper}" ${port}\n`);
  chmodSync(program, 0o755);
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "localhost", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

function* specs(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* specs(path);
    else if (entry.name.endsWith(".spec.ts")) yield path;
  }
}

/** Runs one spec; its tests with their states and the first line of each failure. */
async function run(spec) {
  // The suite's window names the server's own address as its origin: our server refuses websockets of other origins.
  const port = await freePort();
  provideProgram(port);
  const origin = JSON.stringify({ url: `http://localhost:${port}/` });
  const report = join(work, "report.json");
  rmSync(report, { force: true });
  const path = [bin, values.python && resolve(values.python), dirname(process.execPath), process.env.PATH];
  const done = spawnSync(
    process.execPath,
    [
      join(work, "node_modules/jest/bin/jest.js"),
      "-i",
      "--forceExit",
      "--json",
      "--outputFile",
      report,
      "--testEnvironmentOptions",
      origin,
      spec,
    ],
    {
      cwd: work,
      env: { ...process.env, PATH: path.filter(Boolean).join(delimiter) },
      timeout: specTimeoutMs,
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    },
  );
  writeFileSync(join(work, "last-output.txt"), `${done.stdout}\n${done.stderr}`);
  if (!existsSync(report)) return { passed: 0, total: 0, failures: ["it did not end"] };
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failures = tests
    .filter(({ status }) => status === "failed")
    .map(({ fullName, failureMessages }) => `${fullName}: ${(failureMessages[0] ?? "").split("\n", 1)[0]}`);
  if (!tests.length) failures.push((testResults[0]?.message ?? "").trim().split("\n").slice(0, 3).join(" "));
  return { passed: tests.filter(({ status }) => status === "passed").length, total: tests.length, failures };
}

prepare();
const sum = { passed: 0, total: 0 };
console.log("| spec | passed | of |\n|---|---|---|");
const failed = [];
for (const spec of specs(join(work, "test"))) {
  const name = relative(join(work, "test"), spec).replace(".spec.ts", "");
  if (!name.includes(values.only)) continue;
  const { passed, total, failures } = await run(spec);
  sum.passed += passed;
  sum.total += total;
  failed.push(...failures.map((failure) => `- ${name}: ${failure}`));
  console.log(`| ${name} | ${passed} | ${total} |`);
}
console.log(`| all | ${sum.passed} | ${sum.total} |\n\n${failed.join("\n")}`);
process.exitCode = failed.length ? 1 : 0;
