import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Kernel, KernelManager } from "@jupyterlab/services";
import { commandFile } from "../../kernel/package.ts";
import { childrenOf, isRunning } from "../processes.ts";
import { until } from "../until.ts";
import { startServer } from "./server.ts";

/** Spare kernels that a process keeps. */
const sparesOf = (parent: number): number[] =>
  childrenOf(parent).flatMap(({ pid, command }) => (command.endsWith(" kernel --spare") ? [pid] : []));

/** What cells wrote: type errors are among it. */
const written: unknown[] = [];

async function evaluate(kernel: Kernel.IKernelConnection, code: string): Promise<string> {
  let result = "";
  const future = kernel.requestExecute({ code, allow_stdin: false });
  future.onIOPub = ({ header, content }) => {
    if (header.msg_type === "stream") written.push(content);
    const { data, traceback } = content as { data?: Record<string, string>; traceback?: string[] };
    result ||= data?.["text/plain"] ?? traceback?.join("\n") ?? "";
  };
  await future.done;
  return result.replace(/^'|'$/g, "");
}

describe("a server's spare kernel", { concurrency: false }, () => {
  it("becomes the next kernel, in its folder and with its environment; another one takes its place", async (t) => {
    const server = await startServer(t, { spareKernel: true, kernelEnv: { CIRLAB_TEST_MARK: "marked" } });
    const folder = join(server.root, "sub");
    await mkdir(join(folder, "node_modules", "near"), { recursive: true });
    await writeFile(join(folder, "helper.ts"), "export const triple = (x: number): number => 3 * x;");
    await writeFile(join(folder, "node_modules/near/package.json"), '{ "name": "near", "type": "module" }');
    await writeFile(join(folder, "node_modules/near/index.js"), 'export const where = "near";');
    await writeFile(join(folder, "node_modules/near/index.d.ts"), "export declare const where: string;");
    const spare = await until(() => sparesOf(process.pid)[0]);
    assert.deepEqual(await (await server.api("GET", "/api/kernels")).json(), [], "nobody sees it yet");

    const kernels = new KernelManager({ serverSettings: server.settings });
    server.before(() => kernels.dispose());
    const { id } = (await (await server.api("POST", "/api/kernels", { path: "sub/a.ipynb" })).json()) as Kernel.IModel;
    const kernel = kernels.connectTo({ model: { id, name: "cirlab" } });
    assert.equal(await evaluate(kernel, "process.ppid"), String(spare));
    assert.equal(await evaluate(kernel, "process.cwd()"), folder);
    assert.equal(await evaluate(kernel, 'import { triple } from "./helper"; triple(4)'), "12");
    assert.equal(await evaluate(kernel, 'import { where } from "near"; where'), "near");
    const env =
      'import { execSync } from "node:child_process"; String(execSync("pwd; echo $CIRLAB_TEST_MARK $CIRLAB_LIVE_URL"))';
    assert.equal(await evaluate(kernel, `${env}.trim()`), `${folder}\\nmarked ${server.url}`);

    assert.deepEqual(written, [], "types are found from the folder too");

    // What was a spare still has its arguments.
    const waiting = (used: number) => until(() => sparesOf(process.pid).find((pid) => pid !== used));
    const next = await waiting(spare);
    await kernel.restart();
    assert.equal(await evaluate(kernel, "process.ppid"), String(next), "a restart takes it too");
    assert.equal(await evaluate(kernel, "process.cwd()"), folder);
    assert.ok(!isRunning(spare));
    const states: string[] = [];
    kernel.statusChanged.connect((_, state) => void states.push(state));
    process.kill(next, "SIGKILL");
    await until(
      () => states.indexOf("autorestarting") >= 0 && states.indexOf("idle", states.indexOf("autorestarting")) > 0,
    );
    assert.equal(await evaluate(kernel, "process.cwd()"), folder, "a cold start follows where no spare is there");

    const last = await waiting(Number(await evaluate(kernel, "process.ppid")));
    kernels.dispose();
    await server.close();
    await until(() => !isRunning(last));
  });

  it("does not outlive a server that is killed, and is not there with --no-spare", async (t) => {
    const command = fileURLToPath(new URL("../../server/commands/start.js", import.meta.url));
    const program = `const { main } = await import(${JSON.stringify(command)}); await main(process.argv.slice(1));`;
    const home = await mkdtemp(join(tmpdir(), "cirlab-start-"));
    t.after(() => rm(home, { recursive: true, force: true }));
    const start = async (...args: string[]) => {
      const child = spawn(
        process.execPath,
        ["--input-type=module", "-e", program, "--", "--port=0", "--no-open", ...args],
        {
          cwd: home,
          env: { ...process.env, HOME: home },
        },
      );
      t.after(() => child.kill("SIGKILL"));
      for await (const text of child.stdout.setEncoding("utf8")) if (/running at/.test(String(text))) break;
      return child;
    };
    const without = await start("--no-spare");
    const keeping = await start();
    const spare = await until(() => sparesOf(keeping.pid!)[0]);
    assert.deepEqual(sparesOf(without.pid!), []);
    const session = await until(() => childrenOf(spare)[0]?.pid);
    keeping.kill("SIGKILL");
    await until(() => !isRunning(spare) && !isRunning(session));
  });
});

describe("cirlab kernel --spare", () => {
  const stray: (() => void)[] = [];
  after(() => {
    for (const end of stray) end();
  });
  const spare = () => {
    const child = spawn(process.execPath, [commandFile, "kernel", "--spare"], { stdio: ["pipe", "pipe", "pipe"] });
    stray.push(() => child.kill("SIGKILL"));
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    return { child, ended, errors: () => errors };
  };

  it("ends when its input does, and refuses what is no order", async () => {
    const idle = spare();
    idle.child.stdin.end();
    assert.equal(await idle.ended, 0, idle.errors());
    const told = spare();
    told.child.kill("SIGTERM");
    assert.ok([0, null].includes(await told.ended));
    for (const [line, wording] of [
      ["nonsense\n", /no JSON/],
      ['{"cwd":"/"}\n', /connectionFile/],
      ['{"connectionFile":"/nowhere.json","cwd":"/","env":{}}\n', /Cannot read the connection file \/nowhere\.json/],
    ] as const) {
      const { child, ended, errors } = spare();
      child.stdin.end(line);
      assert.equal(await ended, 2);
      assert.match(errors(), wording);
    }
  });
});
