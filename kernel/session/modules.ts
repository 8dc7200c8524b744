import { existsSync, readFileSync } from "node:fs";
import Module, { createRequire, isBuiltin } from "node:module";
import { dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import type { SideModule } from "../compiler/cellCompiler.ts";
import { localCandidates } from "../compiler/localPaths.ts";
import { packageRoot } from "../package.ts";
import { registerFile } from "./errors.ts";
import { checkLoopsOfModules, checkLoopsOfPackages } from "./packageLoops.ts";

/** Names of the files that imports of cells and of the user's own files seem to come from. */
const importingFiles = ["cell.js", "module.js"] as const;

type ModuleFunction = (...args: unknown[]) => void;
type Require = (specifier: string) => unknown;

/** Runs a CommonJS text; the kernel's object is what instrumented code calls. */
const moduleHead = "(function (exports, require, module, __filename, __dirname, __kernel, __load, __meta) {";

/** Error codes of `require` for modules that only `import()` can load. */
const needsImport = new Set(["ERR_REQUIRE_ESM", "ERR_REQUIRE_ASYNC_MODULE", "ERR_PACKAGE_PATH_NOT_EXPORTED"]);

/**
 * Modules for cells: `cirlab` is this package whatever the folder, `tslab` is tslab's public API on this kernel, local
 * TypeScript comes from the compiler, and all else is found as from a file in the notebook's folder.
 */
export class Modules {
  #resolution = resolutionFrom(process.cwd());
  /** Modules that were loaded by `import()`, by specifier. */
  readonly #imported = new Map<string, unknown>();
  /** The user's own TypeScript files, and their exports once they ran. */
  readonly #sources = new Map<string, ModuleFunction>();
  readonly #instances = new Map<string, { exports: Record<string, unknown> }>();
  readonly #kernel: { flag: Int32Array; checkLoop: () => void };
  readonly #builtIn: Record<string, unknown>;
  readonly #compiled: (path: string) => Promise<void>;

  /**
   * @param builtIn modules that the session provides, by specifier.
   * @param compiled called, and waited for, before a file that was compiled may run.
   */
  constructor(
    kernel: { flag: Int32Array; checkLoop: () => void },
    builtIn: Record<string, unknown>,
    compiled: (path: string) => Promise<void>,
  ) {
    this.#kernel = kernel;
    this.#compiled = compiled;
    this.#builtIn = builtIn;
    checkLoopsOfPackages(kernel.flag, kernel.checkLoop, importingFiles);
  }

  /** From now on cells run in another folder: relative paths and packages are found from there. */
  settle(folder: string): void {
    this.#resolution = resolutionFrom(folder);
    this.#imported.clear();
  }

  /** New versions of the user's own files; what imported them is loaded anew as well. */
  async addSources(modules: readonly SideModule[]): Promise<void> {
    if (modules.length === 0) return;
    for (const module of modules) {
      registerFile(module.path, module.positions);
      const text = `${moduleHead}${module.javascript}\n})`;
      this.#sources.set(module.path, vm.runInThisContext(text, { filename: module.path }) as ModuleFunction);
      await this.#compiled(module.path);
      await this.preload(module.imports, dirname(module.path));
    }
    this.#instances.clear();
  }

  /** Loads what code in `folder` imports, so that `require` can answer at once. */
  async preload(specifiers: readonly string[], folder: string = process.cwd()): Promise<void> {
    for (const specifier of specifiers) await this.#loadOnce(specifier, folder);
  }

  /** A module that a cell imports, as `import * as name` gives it. */
  namespace = (specifier: string): Record<string, unknown> => namespaceOf(this.require(specifier));

  /** `import()` of a cell. */
  load = async (specifier: unknown): Promise<unknown> => {
    const name = String(specifier);
    await this.#loadOnce(name, process.cwd());
    return this.namespace(name);
  };

  /** `require` of a cell. */
  require: Require = (specifier) => this.#find(specifier, process.cwd());

  #find(specifier: string, folder: string): unknown {
    if (Object.hasOwn(this.#builtIn, specifier)) return this.#builtIn[specifier];
    if (this.#imported.has(specifier)) return this.#imported.get(specifier);
    const own = this.#ownFile(specifier, folder);
    if (own) return this.#run(own);
    const data = jsonFile(specifier, folder);
    if (data) return JSON.parse(readFileSync(data, "utf8"));
    return folder === process.cwd()
      ? this.#resolution.require(specifier)
      : createRequire(join(folder, importingFiles[1]))(specifier);
  }

  async #loadOnce(specifier: string, folder: string): Promise<void> {
    if (Object.hasOwn(this.#builtIn, specifier) || this.#imported.has(specifier) || isBuiltin(specifier)) return;
    if (Object.hasOwn(ownModules, specifier)) return this.#import(specifier, ownModule(specifier));
    if (this.#ownFile(specifier, folder) || jsonFile(specifier, folder)) return;
    if (/^(?:file|data):/.test(specifier)) return this.#import(specifier, specifier);
    let file: string;
    try {
      file = this.#resolution.require.resolve(specifier, { paths: [folder] });
    } catch (error) {
      if (!needsImport.has((error as NodeJS.ErrnoException).code ?? "")) throw shortened(error, specifier);
      return this.#import(specifier, specifier);
    }
    if (isModuleFile(file)) await this.#import(specifier, pathToFileURL(file).href);
  }

  async #import(specifier: string, target: string): Promise<void> {
    if (!Object.hasOwn(ownModules, specifier)) checkLoopsOfModules();
    const namespace = (await this.#resolution.import(target)) as Record<string, unknown>;
    const live = Object.defineProperty({}, "__esModule", { value: true });
    for (const name of Object.keys(namespace)) {
      Object.defineProperty(live, name, { enumerable: true, get: () => namespace[name] });
    }
    this.#imported.set(specifier, live);
  }

  /** The path of a user's own script that `specifier` means, if it is one. */
  #ownFile(specifier: string, folder: string): string | undefined {
    return localCandidates(specifier, folder).find((path) => this.#sources.has(path));
  }

  #run(path: string): unknown {
    const known = this.#instances.get(path);
    if (known) return known.exports;
    const module = { exports: {} as Record<string, unknown> };
    this.#instances.set(path, module);
    const folder = dirname(path);
    const wrapper = this.#sources.get(path)!;
    const require: Require = (specifier) => this.#find(specifier, folder);
    const load = (specifier: unknown) =>
      this.load(typeof specifier === "string" ? absolute(specifier, folder) : specifier);
    wrapper(module.exports, require, module, path, folder, this.#kernel, load, importMeta(path));
    return module.exports;
  }
}

const namespaces = new WeakMap<object, Record<string, unknown>>();

/** What `import * as name` gives for a module: a CommonJS module is the default export of its own namespace. */
function namespaceOf(found: unknown): Record<string, unknown> {
  const isObject = (typeof found === "object" && found !== null) || typeof found === "function";
  if (!isObject) return { default: found };
  if ((found as { __esModule?: unknown }).__esModule) return found as Record<string, unknown>;
  const known = namespaces.get(found);
  if (known) return known;
  const namespace = { ...(found as object), default: found };
  namespaces.set(found, namespace);
  return namespace;
}

/** What code in a file finds under `import.meta`. */
export function importMeta(path: string): Record<string, unknown> {
  const { href } = pathToFileURL(path);
  return {
    url: href,
    filename: path,
    dirname: dirname(path),
    resolve: (specifier: string) => pathToFileURL(createRequire(path).resolve(specifier)).href,
  };
}

/** A relative specifier seen from `folder`, as one that means the same everywhere. */
function absolute(specifier: string, folder: string): string {
  return /^\.{1,2}(?:\/|$)/.test(specifier) ? resolve(folder, specifier) : specifier;
}

/** The path of a user's JSON file, which is read anew each time. */
function jsonFile(specifier: string, folder: string): string | undefined {
  return localCandidates(specifier, folder).find((path) => path.endsWith(".json") && existsSync(path));
}

/** Node's own `require` and `import()` as from a CommonJS file in a folder. */
function resolutionFrom(folder: string): { require: NodeJS.Require; import: (specifier: string) => Promise<unknown> } {
  const file = join(folder, importingFiles[0]);
  const module = new Module(file) as Module & { _compile(code: string, file: string): void };
  module._compile("module.exports = (specifier) => import(specifier);", file);
  return { require: createRequire(file), import: module.exports as (specifier: string) => Promise<unknown> };
}

/** What this package exports, whatever folder a cell runs in. */
const ownModules: Readonly<Record<string, string>> = { cirlab: "src/index.js", "cirlab/kernel": "kernel/api/index.js" };

function ownModule(specifier: string): string {
  const file = join(packageRoot, "dist", ownModules[specifier]!);
  if (!existsSync(file)) {
    throw new Error(`cirlab is not built (${file} is missing). Run "npm run build" in ${packageRoot}.`);
  }
  return pathToFileURL(file).href;
}

/** Whether Node takes a file as an ES module: by its extension, else by the nearest package.json. */
function isModuleFile(file: string): boolean {
  const extension = extname(file);
  if (extension === ".mjs") return true;
  if (extension !== ".js") return false;
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const description = join(folder, "package.json");
    if (existsSync(description)) {
      return (JSON.parse(readFileSync(description, "utf8")) as { type?: string }).type === "module";
    }
    if (dirname(folder) === folder) return false;
  }
}

/** Node's message lists the files that required it, all of them the kernel's. */
function shortened(error: unknown, specifier: string): unknown {
  if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") return error;
  return Object.assign(new Error(`Cannot find module "${specifier}" from ${process.cwd()}.`), {
    code: "MODULE_NOT_FOUND",
  });
}
