import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { siblingModule } from "../../src/base/modules.ts";

export const emptyFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "cirlab-runs-"));

/** Starts a module of this folder as a process of its own. */
export function startChild(name: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  const module = fileURLToPath(siblingModule(import.meta.url, `./${name}`));
  return spawn(process.execPath, [module, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
}

/** Kills a child with SIGKILL once it has printed `count` lines. @returns every line it printed. */
export async function killAfterLines(child: ChildProcess, count: number): Promise<string[]> {
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout! });
  reader.on("line", (line) => {
    lines.push(line);
    if (lines.length === count) child.kill("SIGKILL");
  });
  await Promise.all([once(child, "exit"), once(reader, "close")]);
  return lines;
}
