#!/usr/bin/env node
// npm test: set-up, build, checks, every test. Ends with a line `N passed, N failed`.
//   node bin/test.js                 all but the long ones
//   node bin/test.js --long          only the long ones (storms, slopes, seeds, every engine, other Node versions)
//   node bin/test.js kernel server   only tests whose path contains one of the words
//   node bin/test.js --late e2e      with answers of files and servers that come late: finds what relies on their order
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { run } from "node:test";
import { pathToFileURL } from "node:url";
import { ensurePackages, ensurePeers } from "./peers.js";
import { ensureBuilt, ensureInstalled, ensureTestTools, requireNode, root } from "./setup.js";

const args = process.argv.slice(2);
const long = args.includes("--long");
const late = args.includes("--late");
const words = args.filter((arg) => !arg.startsWith("--"));

// Kernels that tests start keep no history in the user's folder.
process.env.CIRLAB_HISTORY ??= "off";

requireNode();
ensureInstalled();
ensureTestTools();
ensurePeers();
ensureBuilt();
await ensurePackages();

const tests = join(root, "dist", "test");
if (late)
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} --import ${pathToFileURL(join(tests, "late.js"))}`;
const all = readdirSync(tests, { recursive: true })
  .map((path) => join(tests, path))
  .filter((path) => path.endsWith(".test.js") && path.endsWith(".long.test.js") === long)
  .filter((path) => !words.length || words.some((word) => relative(tests, path).includes(word)))
  .sort();
/** Whole applications under test: they want the machine for themselves. */
const alone = (path) => /\.(e2e|notebook|long)\.test\.js$/.test(path);

let passed = 0;
const failed = [];
const skipped = [];
/** Seconds of a file's tests. */
const taken = new Map();
/** The end of what a file's processes wrote, which tells why a test of it failed. */
const written = new Map();
const writtenLimit = 6000;
const short = (path) => relative(tests, path ?? "").replace(/\.js$/, "");

function record(event, file) {
  const { name, details, skip } = event;
  if (details?.type === "suite") return;
  if (file && name === file) return; // node's own wrapper of a file
  if (skip !== undefined) {
    skipped.push(`${short(file)} › ${name}: ${typeof skip === "string" ? skip : "no reason given"}`);
    return;
  }
  passed++;
}

async function runFiles(files, concurrency) {
  if (!files.length) return;
  const stream = run({ files, concurrency, timeout: (long ? 80 : 10) * 60_000 });
  let last;
  for await (const event of stream) {
    const { type, data } = event;
    if (type === "test:pass") {
      record(data, data.file);
      if (data.nesting === 0 && data.name !== data.file)
        taken.set(data.file, (taken.get(data.file) ?? 0) + data.details.duration_ms / 1000);
      if (data.nesting === 0 && data.file && data.file !== last) {
        last = data.file;
        console.log(`  ${short(data.file)}`);
      }
    } else if (type === "test:fail") {
      const error = data.details?.error;
      const cause = error?.cause ?? error;
      // A parent fails because its child did: the child's own event tells.
      if (error?.failureType === "subtestsFailed") continue;
      failed.push(`${short(data.file)} › ${data.name}`);
      console.log(`\nFAILED ${short(data.file)} › ${data.name}\n${cause?.stack ?? cause?.message ?? cause}\n`);
      if (written.has(data.file)) console.log(`It had written:\n${written.get(data.file)}\n`);
      written.delete(data.file);
    } else if (type === "test:diagnostic" && long && data.file) {
      console.log(`    ${data.message}`);
    } else if (type === "test:stderr" || type === "test:stdout") {
      if (process.env.CIRLAB_TEST_VERBOSE) process.stdout.write(data.message);
      written.set(data.file, `${written.get(data.file) ?? ""}${data.message}`.slice(-writtenLimit));
    }
  }
}

if (!long && !late && !words.length) {
  console.log("cirlab: checks");
  const check = spawnSync(process.execPath, [join(root, "bin", "check.js")], { cwd: root, stdio: "inherit" });
  if (check.status === 0) passed++;
  else failed.push("npm run check");
}
console.log(`cirlab: ${all.length} test files`);
await runFiles(
  all.filter((path) => !alone(path)),
  2,
);
await runFiles(all.filter(alone), 1);

const slowest = [...taken].sort((a, b) => b[1] - a[1]).slice(0, 20);
if (slowest.length > 1)
  console.log(
    `\nSlowest:\n${slowest.map(([file, s]) => `  ${s.toFixed(1).padStart(6)} s  ${short(file)}`).join("\n")}`,
  );
if (skipped.length) console.log(`\nNot run on this machine:\n${skipped.map((line) => `  ${line}`).join("\n")}`);
if (failed.length) console.log(`\nFailed:\n${failed.map((line) => `  ${line}`).join("\n")}`);
console.log(`\n${passed} passed, ${failed.length} failed${skipped.length ? `, ${skipped.length} skipped` : ""}`);
process.exit(failed.length ? 1 : 0);
