import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { TransformOptions, TransformResult } from "esbuild";

const esbuild = load();
/** Counts the processes of esbuild that were given up. */
let life = 0;

/** esbuild starts its process in the folder that was current when it was loaded; the user may rename or remove that one. */
function load(): typeof import("esbuild") {
  const { cwd } = process;
  process.cwd = () => dirname(process.execPath);
  try {
    return createRequire(import.meta.url)("esbuild") as typeof import("esbuild");
  } finally {
    process.cwd = cwd;
  }
}

/**
 * Transforms code with esbuild, whose process is replaced where it has ended.
 *
 * @throws esbuild's TransformFailure for code that it cannot read.
 */
export async function transform(code: string, options: TransformOptions): Promise<TransformResult> {
  const mine = life;
  try {
    return await esbuild.transform(code, options);
  } catch (error) {
    if ((error as { errors?: unknown }).errors) throw error;
    // Whoever is the first to notice ends what is left of it; then the next call starts another.
    if (mine === life) {
      life++;
      await esbuild.stop();
    }
    return esbuild.transform(code, options);
  }
}
