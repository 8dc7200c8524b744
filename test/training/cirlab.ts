import { spawn } from "node:child_process";
import { once } from "node:events";
import { commandFile } from "../../kernel/package.ts";

/** `cirlab …` as a process of its own. */
export async function cirlab(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [commandFile, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { code, out, err };
}
