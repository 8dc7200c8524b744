import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type CompilerName, compilerNames } from "../compiler/cellCompiler.ts";
import { commandFile } from "../package.ts";
import { dataFolders } from "./paths.ts";

export { type CompilerName, compilerNames } from "../compiler/cellCompiler.ts";
export { dataFolders, prefixDataFolder, pythonPrefix, systemDataFolders, userDataFolder } from "./paths.ts";

const specSchema = z.looseObject({
  argv: z.array(z.string()).min(1),
  display_name: z.string(),
  language: z.string(),
  interrupt_mode: z.enum(["signal", "message"]).default("signal"),
  env: z.record(z.string(), z.string()).default({}),
  metadata: z.record(z.string(), z.unknown()).default({}),
});

/** What a kernel.json says. `{connection_file}` in `argv` stands for the connection file's path. */
export type KernelSpec = z.infer<typeof specSchema>;

/** A kernelspec that was found. */
export interface FoundKernelSpec {
  name: string;
  /** Folder that holds kernel.json and the resources. */
  dir: string;
  spec: KernelSpec;
  /** Other files of the folder by name without extension (`logo-64x64`, `logo-svg`): absolute paths. */
  resources: Record<string, string>;
}

/** Name of this package's kernel. */
export const kernelName = "cirlab";

const ownFolder = fileURLToPath(new URL("./cirlab", import.meta.url));

/**
 * The specification of this package's kernel: it runs with this very Node and this very installation.
 *
 * @param compiler names one for this kernel, by its environment variable `CIRLAB_COMPILER`.
 */
export function ownKernelSpec(compiler?: CompilerName): KernelSpec {
  return {
    argv: [process.execPath, commandFile, "kernel", "{connection_file}"],
    display_name: compiler === "tslab" ? "TypeScript (CIR Lab, tslab)" : "TypeScript (CIR Lab)",
    language: "typescript",
    interrupt_mode: "message",
    env: compiler ? { CIRLAB_COMPILER: compiler } : {},
    metadata: { debugger: true },
  };
}

async function resourcesOf(folder: string): Promise<Record<string, string>> {
  const resources: Record<string, string> = {};
  for (const file of await readdir(folder)) {
    if (/^(logo-.*|kernel\.(js|css))$/.test(file)) {
      resources[file.startsWith("logo-") ? file.replace(/\.[^.]*$/, "") : file] = join(folder, file);
    }
  }
  return resources;
}

/** What was read of each folder, with the times of change that its files had. */
const remembered = new Map<string, { names: string[]; stamp: string; specs: FoundKernelSpec[] }>();

/** When a folder of kernelspecs and what lies in it were changed. Looking is quick; reading all anew is not. */
function stampOf(folder: string, names: readonly string[]): string {
  const paths = [folder, ...names.flatMap((name) => [join(folder, name), join(folder, name, "kernel.json")])];
  const changed = (path: string): number => {
    try {
      return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    } catch {
      return 0;
    }
  };
  return paths.map(changed).join();
}

/** The kernelspecs in one folder. What is none, or a broken one, is passed over, as Jupyter does. */
async function readSpecs(folder: string): Promise<FoundKernelSpec[]> {
  const known = remembered.get(folder);
  if (known && known.stamp === stampOf(folder, known.names)) return known.specs;
  const names = await readdir(folder).catch(() => [] as string[]);
  const read = async (name: string): Promise<FoundKernelSpec> => {
    const dir = join(folder, name);
    const [text, resources] = await Promise.all([readFile(join(dir, "kernel.json"), "utf8"), resourcesOf(dir)]);
    return { name: name.toLowerCase(), dir, spec: specSchema.parse(JSON.parse(text)), resources };
  };
  const usable = names.filter((name) => /^[a-z0-9._-]+$/i.test(name));
  const stamp = stampOf(folder, names);
  const found = await Promise.all(usable.map((name) => read(name).catch(() => undefined)));
  const specs = found.filter((spec) => spec !== undefined);
  remembered.set(folder, { names, stamp, specs });
  return specs;
}

let ownResources: Promise<Record<string, string>> | undefined;

/**
 * All kernels that a Jupyter on this machine would find, by name, and this package's own, which needs no installation
 * and always runs from here.
 */
export async function findKernelSpecs(env: NodeJS.ProcessEnv = process.env): Promise<Record<string, FoundKernelSpec>> {
  ownResources ??= resourcesOf(ownFolder);
  const own = { name: kernelName, dir: ownFolder, spec: ownKernelSpec(), resources: await ownResources };
  const folders = await Promise.all(dataFolders(env).map((folder) => readSpecs(join(folder, "kernels"))));
  const found: Record<string, FoundKernelSpec> = { [kernelName]: own };
  // Of one name in several folders, the first one counts.
  for (const spec of folders.flat()) found[spec.name] ??= spec;
  return found;
}

/** Name under which a kernel with this compiler is installed by default. */
export function kernelNameFor(compiler?: CompilerName): string {
  return compiler === undefined || compiler === compilerNames[0] ? kernelName : `${kernelName}-${compiler}`;
}

/**
 * Writes the kernelspec of this package into a Jupyter data folder, replacing one of the same name.
 *
 * @returns the folder of the kernelspec.
 */
export async function installKernelSpec(options: {
  dataFolder: string;
  name?: string;
  displayName?: string;
  compiler?: CompilerName;
}): Promise<string> {
  const name = (options.name ?? kernelNameFor(options.compiler)).toLowerCase();
  if (!/^[a-z0-9._-]+$/.test(name)) {
    throw new Error(`"${name}" is no kernel name: use letters, digits, "-", "_" and ".".`);
  }
  const folder = join(options.dataFolder, "kernels", name);
  const spec = ownKernelSpec(options.compiler);
  if (options.displayName) spec.display_name = options.displayName;
  // Jupyter passes over a folder of this name while it is being written.
  const written = join(options.dataFolder, "kernels", `~${randomUUID()}`);
  try {
    await mkdir(written, { recursive: true });
    for (const path of Object.values(await resourcesOf(ownFolder))) {
      await copyFile(path, join(written, path.slice(ownFolder.length + 1)));
    }
    await writeFile(join(written, "kernel.json"), `${JSON.stringify(spec, null, 2)}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(written, folder);
  } finally {
    await rm(written, { recursive: true, force: true });
  }
  return folder;
}
