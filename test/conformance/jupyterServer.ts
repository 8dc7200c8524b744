import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { until } from "../until.ts";
import type { JupyterHome } from "./python.ts";

/** Jupyter's own server while a test lasts. */
export interface JupyterServer {
  address: string;
  token: string;
}

/**
 * Until the server's first kernel has a page and nothing to do. JupyterLab shows a kernel as idle before that; a cell that
 * is started then is passed over, or makes it ask which kernel to take.
 */
export async function kernelConnected({ address, token }: JupyterServer): Promise<void> {
  await until(async () => {
    const answer = await fetch(`${address}/api/kernels?token=${token}`);
    // While a kernel starts, the list of kernels may fail.
    if (!answer.ok) return false;
    const [kernel] = (await answer.json()) as { connections: number; execution_state: string }[];
    return kernel !== undefined && kernel.connections > 0 && kernel.execution_state === "idle";
  });
}

/** Starts Jupyter's own server, with JupyterLab, in the folder of a home. */
export async function startJupyterServer(
  t: Pick<TestContext, "after">,
  python: string,
  home: JupyterHome,
): Promise<JupyterServer> {
  const token = "widgets";
  const options = ["--no-browser", "--allow-root", "--ServerApp.port=0", `--IdentityProvider.token=${token}`];
  const child = spawn(python, ["-m", "jupyterlab", ...options, `--ServerApp.root_dir=${home.folder}`], {
    cwd: home.folder,
    env: home.env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  t.after(async () => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await exited;
    clearTimeout(timer);
  });
  let log = "";
  for await (const text of child.stderr.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    log += text as string;
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(log)?.[0];
    if (!address) continue;
    // Nobody reads on, and a full pipe would stop the server.
    child.stderr.resume();
    return { address, token };
  }
  throw new Error(`JupyterLab ended before it served:\n${log}`);
}
