import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { KernelClient } from "../../kernel/protocol/index.ts";
import type { Runner } from "./callers.ts";
import { ipykernel, type StartedKernel, start } from "./kernels.ts";
import { askPython, type BenchContext } from "./measure.ts";

const run = promisify(execFile);

/** A way of running snippets that others use, or why it is not here. */
export interface Peer {
  readonly name: string;
  start(): Promise<Runner>;
  /** It can import sympy. */
  readonly sympy: boolean;
}

const canImport = (program: string, module: string): boolean => {
  try {
    askPython(program, `import ${module}`);
    return true;
  } catch {
    return false;
  }
};

/** A python3 process for each snippet, without any isolation. */
export function processPeer(python: string): Peer {
  return {
    name: `a process of ${version(python)} per snippet`,
    sympy: canImport(python, "sympy"),
    start: async () => ({
      run: async (code) => (await run(python, ["-c", code], { cwd: "/" })).stdout,
      close: async () => undefined,
    }),
  };
}

const version = (python: string): string => askPython(python, "import sys; print(f'Python {sys.version.split()[0]}')");

const bubblewrap = "/usr/bin/bwrap";
const systemPython = "/usr/bin/python3";
/** What the jail mounts and unshares, without what only a fork server can do (system-call filter, limits). */
const jail = [
  ...["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"],
  ...[
    "--ro-bind",
    "/usr",
    "/usr",
    ...["lib", "lib64", "bin"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
  ],
  ...["--tmpfs", "/tmp", "--dev", "/dev", "--chdir", "/tmp"],
];

/** A bubblewrap jail with a python3 process in it for each snippet; undefined where there is no bubblewrap. */
export async function bubblewrapPeer(): Promise<Peer | undefined> {
  const start = async (): Promise<Runner> => ({
    run: async (code) => (await run(bubblewrap, [...jail, systemPython, "-c", code])).stdout,
    close: async () => undefined,
  });
  try {
    await (await start()).run("pass", 0);
  } catch {
    return undefined;
  }
  const sympy = canImport(systemPython, "sympy");
  return { name: `bubblewrap and ${version(systemPython)} per snippet`, sympy, start };
}

/** {@link file://./subprocess_runner.py}: what SandboxFusion's runner does for each snippet. */
export function subprocessPeer(python: string): Peer {
  return {
    name: "an asyncio subprocess runner in the manner of SandboxFusion, no isolation",
    sympy: canImport(python, "sympy"),
    async start() {
      const script = fileURLToPath(new URL("./subprocess_runner.py", import.meta.url));
      const child = spawn(python, [script, python], { stdio: ["pipe", "pipe", "inherit"] });
      const waiting = new Map<number, (stdout: string) => void>();
      createInterface({ input: child.stdout }).on("line", (line) => {
        const { id, stdout } = JSON.parse(line) as { id: number; stdout: string };
        waiting.get(id)!(stdout);
        waiting.delete(id);
      });
      let id = 0;
      return {
        run: (code) =>
          new Promise((resolve) => {
            waiting.set(++id, resolve);
            child.stdin.write(`${JSON.stringify({ id, code })}\n`);
          }),
        close: async () => {
          child.stdin.end();
          child.kill();
        },
      };
    },
  };
}

/** One ipykernel that all callers share, as notebook-style tools do; snippets share their variables. */
export function ipykernelPeer(context: BenchContext): Peer | undefined {
  const withSympy = context.python("ipykernel", "sympy");
  const contestant = ipykernel(context);
  if (!contestant) return undefined;
  return {
    name: `${contestant.name}, one for all`,
    sympy: withSympy !== undefined && withSympy === context.python("ipykernel"),
    async start() {
      const kernel: StartedKernel = await start(contestant);
      return { run: (code) => printedBy(kernel.client, code), close: () => kernel.stop() };
    },
  };
}

/** What a cell printed, once its reply and the idle status are here. */
async function printedBy(client: KernelClient, code: string): Promise<string> {
  const content = { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false };
  const message = client.message("execute_request", content);
  let printed = "";
  const idle = new Promise<void>((resolve) => {
    const stop = client.onMessage(({ channel, header, parent_header, content: said }) => {
      if (channel !== "iopub" || parent_header.msg_id !== message.header.msg_id) return;
      if (header.msg_type === "stream") printed += said.text;
      if (header.msg_type !== "status" || said.execution_state !== "idle") return;
      stop();
      resolve();
    });
  });
  await client.ask("shell", message, 120_000);
  await idle;
  return printed;
}
