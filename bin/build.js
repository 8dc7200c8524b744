#!/usr/bin/env node
// Builds what runs built: TypeScript to JavaScript (file by file, only what changed), type declarations of the public
// face, and the web notebook.
//   node bin/build.js         everything that is stale
//   node bin/build.js --js    JavaScript only (a second at most after an edit)
//   node bin/build.js --web   the web notebook only
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const rooms = ["src", "kernel", "server", "test"];

function* walk(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== "node_modules" && relative(root, path) !== join("server", "web")) yield* walk(path);
    } else yield path;
  }
}

const sources = () => rooms.flatMap((room) => [...walk(join(root, room))]);
const newer = (from, to) => !existsSync(to) || statSync(from).mtimeMs > statSync(to).mtimeMs;

/** Transpiles the changed files and copies the other files that code reads (Python, JSON). Returns how many changed. */
async function buildScripts() {
  let typescript;
  let changed = 0;
  const kept = new Set();
  for (const source of sources()) {
    const inside = relative(root, source);
    const isCode = source.endsWith(".ts") && !source.endsWith(".d.ts");
    const target = join(dist, isCode ? inside.replace(/\.ts$/, ".js") : inside);
    kept.add(target);
    if (!newer(source, target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    changed++;
    if (!isCode) {
      copyFileSync(source, target);
      continue;
    }
    typescript ??= (await import("typescript")).default;
    const { outputText, sourceMapText } = typescript.transpileModule(readFileSync(source, "utf8"), {
      fileName: source,
      compilerOptions: {
        target: typescript.ScriptTarget.ES2022,
        module: typescript.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
        sourceMap: true,
      },
    });
    const map = JSON.parse(sourceMapText);
    map.sources = [relative(dirname(target), source)];
    writeFileSync(`${target}.map`, JSON.stringify(map));
    writeFileSync(target, outputText);
  }
  for (const room of rooms)
    for (const built of walk(join(dist, room)))
      if (built.endsWith(".js") && !kept.has(built) && !existsSync(join(root, relative(dist, built)))) rmSync(built);
  return changed;
}

/** One hash over the given files: what a stale-check compares. */
function fingerprint(files) {
  const hash = createHash("sha256");
  for (const file of files.sort()) hash.update(relative(root, file)).update(readFileSync(file));
  return hash.digest("hex");
}

function isFresh(stamp, print) {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === print;
}

function run(what, args) {
  const done = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (done.status !== 0) {
    console.error(`cirlab: ${what} failed`);
    process.exit(done.status ?? 1);
  }
}

function buildDeclarations() {
  const stamp = join(dist, ".declarations");
  const print = fingerprint([
    join(root, "tsconfig.json"),
    ...["src", "kernel/api", "kernel/widgets"]
      .flatMap((room) => [...walk(join(root, room))])
      .filter((f) => f.endsWith(".ts")),
  ]);
  if (isFresh(stamp, print)) return;
  console.log("cirlab: writing type declarations");
  run("writing type declarations", [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"]);
  writeFileSync(stamp, print);
}

function buildWeb() {
  const web = join(root, "server", "web");
  if (!existsSync(join(web, "build.js"))) return;
  const stamp = join(dist, ".web");
  const files = readdirSync(web, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const print = fingerprint([join(root, "package-lock.json"), ...files]);
  if (isFresh(stamp, print) && existsSync(join(dist, "web", "index.html"))) return;
  console.log("cirlab: bundling the web notebook (about half a minute)");
  run("bundling the web notebook", [join(web, "build.js")]);
  writeFileSync(stamp, print);
}

const only = process.argv[2];
mkdirSync(dist, { recursive: true });
if (only !== "--web") {
  const changed = await buildScripts();
  if (changed) console.log(`cirlab: built ${changed} file${changed === 1 ? "" : "s"}`);
}
if (!only) buildDeclarations();
if (!only || only === "--web") buildWeb();
