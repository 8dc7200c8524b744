import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { commandFile } from "../../kernel/package.ts";
import { createConnection, KernelClient, writeConnectionFile } from "../../kernel/protocol/index.ts";
import { findKernelSpecs, ownKernelSpec } from "../../kernel/specs/index.ts";
import { TestKernel } from "../kernel/client.ts";
import { type Cells, deno, python, tslab, typescript } from "./cells.ts";
import { findPython } from "./python.ts";

/** A kernel that the checks run against. */
export interface Target {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cells: Cells;
  /** Whether it is interrupted by message, as its kernelspec says. */
  readonly byMessage: boolean;
}

const languages: Readonly<Record<string, Cells>> = { typescript, tslab, deno, python };

/** This package's kernel. */
export function ours(env: Record<string, string> = {}): Target {
  const { argv } = ownKernelSpec();
  return { name: "cirlab", argv, env: { CIRLAB_HISTORY: "off", ...env }, cells: typescript, byMessage: true };
}

/**
 * A kernel by name: `cirlab`, `ipykernel`, `tslab` and `deno` where they are on this machine, or an installed kernelspec.
 *
 * @param language whose cells it runs; by default by the kernel's name, then its language.
 * @returns undefined when it is not here.
 */
export async function findTarget(name: string, language?: string): Promise<Target | undefined> {
  const cells = (fallback: Cells) => languages[language ?? ""] ?? fallback;
  if (name === "cirlab") return { ...ours(), cells: cells(typescript) };
  if (name === "ipykernel") {
    const program = findPython("ipykernel");
    if (!program) return undefined;
    const argv = [
      program,
      "-m",
      "ipykernel_launcher",
      "-f",
      "{connection_file}",
      "--HistoryManager.hist_file=:memory:",
    ];
    return { name, argv, env: {}, cells: cells(python), byMessage: false };
  }
  if (name === "tslab") {
    const program = createRequire(import.meta.url).resolve("tslab/bin/tslab");
    const argv = [process.execPath, program, "kernel", "--config-path={connection_file}"];
    return { name, argv, env: {}, cells: cells(tslab), byMessage: false };
  }
  if (name === "deno") {
    if (spawnSync("deno", ["--version"], { stdio: "ignore" }).status !== 0) return undefined;
    const argv = ["deno", "jupyter", "--kernel", "--conn", "{connection_file}"];
    return { name, argv, env: {}, cells: cells(deno), byMessage: true };
  }
  const found = (await findKernelSpecs())[name];
  if (!found) return undefined;
  const { argv, env, interrupt_mode } = found.spec;
  const fallback = found.spec.language === "python" ? python : typescript;
  return { name, argv, env, cells: cells(fallback), byMessage: interrupt_mode === "message" };
}

/** Starts a kernel in the package's folder (where tslab finds its types) and waits until it answers. */
export async function start(target: Target): Promise<{ kernel: TestKernel; kill(): Promise<void> }> {
  const connection = await createConnection();
  const file = await writeConnectionFile(connection);
  const [program, ...args] = target.argv.map((argument) => argument.replace("{connection_file}", file));
  const child = spawn(program!, args, {
    cwd: dirname(dirname(commandFile)),
    env: { ...process.env, ...target.env },
    stdio: "ignore",
  });
  const exited = once(child, "exit");
  const kernel = new TestKernel(new KernelClient(connection), child, file);
  const kill = async () => {
    kernel.client.close();
    child.kill("SIGKILL");
    await exited;
    await rm(file, { force: true });
  };
  try {
    await kernel.client.ready();
  } catch (error) {
    await kill();
    throw error;
  }
  return { kernel, kill };
}
