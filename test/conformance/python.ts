import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { installKernelSpec, prefixDataFolder } from "../../kernel/specs/index.ts";

/**
 * A Python that has these modules: that of the virtual environment (or the program) that `CIRLAB_PEERS` names, else
 * `python3`.
 */
export function findPython(...modules: string[]): string | undefined {
  const peers = process.env.CIRLAB_PEERS;
  const candidates = [...(peers ? [join(peers, "bin", "python"), peers] : []), "python3"];
  const imports = modules.map((name) => `import ${name}`).join("; ");
  return candidates.find((python) => spawnSync(python, ["-c", imports], { stdio: "ignore" }).status === 0);
}

/** Why a test does not run where no such Python is, and what to do about it. */
export const missing = (...packages: string[]): string =>
  `no Python with ${packages.join(", ")}: pip install ${packages.join(" ")}, in a virtual environment that CIRLAB_PEERS names or for python3`;

/** What a program left: its exit code and its text without colours. */
export interface Finished {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** A home of its own for real Jupyter programs: our kernel is installed in it, and nothing of the user's is touched. */
export class JupyterHome {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;

  private constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.env = env;
  }

  /** Makes a home that goes with the test. */
  static async create(t: Pick<TestContext, "after">): Promise<JupyterHome> {
    const folder = await mkdtemp(join(tmpdir(), "cirlab-jupyter-"));
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      HOME: folder,
      JUPYTER_PATH: prefixDataFolder(folder),
      JUPYTER_CONFIG_DIR: join(folder, "config"),
      JUPYTER_DATA_DIR: join(folder, "data"),
      JUPYTER_RUNTIME_DIR: join(folder, "runtime"),
      IPYTHONDIR: join(folder, "ipython"),
      JUPYTER_PLATFORM_DIRS: "1",
      CIRLAB_HISTORY: join(folder, "history.jsonl"),
    };
    await installKernelSpec({ dataFolder: prefixDataFolder(folder) });
    t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    return new JupyterHome(folder, env);
  }

  /** Runs a program in this home to its end. */
  run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { cwd: this.folder, env: { ...this.env, ...env } });
      let [stdout, stderr] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
      child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
      child.on("error", reject);
      const plain = stripVTControlCharacters;
      child.on("close", (exitCode) => resolve({ exitCode, stdout: plain(stdout), stderr: plain(stderr) }));
    });
  }
}
