import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { commandFile } from "../package.ts";
import { dataFolders } from "./paths.ts";

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

/** The specification of this package's kernel: it runs with this very Node and this very installation. */
export function ownKernelSpec(): KernelSpec {
  return {
    argv: [process.execPath, commandFile, "kernel", "{connection_file}"],
    display_name: "TypeScript (CIR Lab)",
    language: "typescript",
    interrupt_mode: "message",
    env: {},
    metadata: { debugger: false },
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

async function readSpecs(folder: string, found: Record<string, FoundKernelSpec>): Promise<void> {
  const names = await readdir(folder).catch(() => [] as string[]);
  for (const name of names) {
    const lower = name.toLowerCase();
    if (lower in found || !/^[a-z0-9._-]+$/.test(lower)) continue;
    const dir = join(folder, name);
    try {
      const spec = specSchema.parse(JSON.parse(await readFile(join(dir, "kernel.json"), "utf8")));
      found[lower] = { name: lower, dir, spec, resources: await resourcesOf(dir) };
    } catch {
      // Not a kernelspec, or a broken one: Jupyter passes over it, and so do we.
    }
  }
}

/**
 * All kernels that a Jupyter on this machine would find, by name, and this package's own, which needs no installation
 * and always runs from here.
 */
export async function findKernelSpecs(env: NodeJS.ProcessEnv = process.env): Promise<Record<string, FoundKernelSpec>> {
  const found: Record<string, FoundKernelSpec> = {
    [kernelName]: {
      name: kernelName,
      dir: ownFolder,
      spec: ownKernelSpec(),
      resources: await resourcesOf(ownFolder),
    },
  };
  for (const folder of dataFolders(env)) await readSpecs(join(folder, "kernels"), found);
  return found;
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
}): Promise<string> {
  const name = (options.name ?? kernelName).toLowerCase();
  if (!/^[a-z0-9._-]+$/.test(name)) {
    throw new Error(`"${name}" is no kernel name: use letters, digits, "-", "_" and ".".`);
  }
  const folder = join(options.dataFolder, "kernels", name);
  const spec = ownKernelSpec();
  if (options.displayName) spec.display_name = options.displayName;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const path of Object.values(await resourcesOf(ownFolder))) {
    await copyFile(path, join(folder, path.slice(ownFolder.length + 1)));
  }
  await writeFile(join(folder, "kernel.json"), `${JSON.stringify(spec, null, 2)}\n`);
  return folder;
}
