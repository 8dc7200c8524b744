#!/usr/bin/env node
// npm run check: types, formatter and linter, import layers and cycles. Prints what fails and exits 1.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (path) => join(root, "node_modules", path);
const checks = [
  ["types", [bin("typescript/bin/tsc"), "--noEmit", "--emitDeclarationOnly", "false", "-p", "tsconfig.json"]],
  ["format and lint", [bin("@biomejs/biome/bin/biome"), "check", "--error-on-warnings", "."]],
  [
    "rooms and cycles",
    [
      bin("dependency-cruiser/bin/dependency-cruise.mjs"),
      "--config",
      ".dependency-cruiser.cjs",
      "src",
      "kernel",
      "server",
      "test",
    ],
  ],
];
if (existsSync(join(root, "server/web/tsconfig.json")))
  checks.push(["types of the web notebook", [bin("typescript/bin/tsc"), "--noEmit", "-p", "server/web/tsconfig.json"]]);

const failed = [];
await Promise.all(
  checks.map(
    ([name, args]) =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, args, { cwd: root });
        let output = "";
        for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
        child.on("close", (code) => {
          if (code !== 0) {
            failed.push(name);
            console.log(output.trimEnd());
          }
          console.log(`check: ${name}: ${code === 0 ? "ok" : "FAILED"}`);
          resolve();
        });
      }),
  ),
);
process.exit(failed.length ? 1 : 0);
