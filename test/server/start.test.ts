import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { PasswordFile } from "../../server/auth/password.ts";

const command = fileURLToPath(new URL("../../server/commands/start.js", import.meta.url));
const program = `const { main } = await import(${JSON.stringify(command)}); process.exitCode = await main(process.argv.slice(1));`;

interface Started {
  child: ChildProcess;
  output: { text: string };
  ended: Promise<number | null>;
}

type Test = { after(end: () => Promise<void>): void };

async function start(t: Test, ...args: string[]): Promise<Started> {
  return startIn(t, await mkdtemp(join(tmpdir(), "cirlab-start-")), ...args);
}

/** Starts the command for a user with this home folder, which goes when the test ends. */
async function startIn(t: Test, home: string, ...args: string[]): Promise<Started> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, "--", ...args], {
    cwd: home,
    env: { ...process.env, HOME: home },
  });
  const output = { text: "" };
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output.text += text;
    });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  t.after(async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(home, { recursive: true, force: true });
  });
  return { child, output, ended };
}

/** The printed address, once it is there. */
async function address({ output, ended }: Started): Promise<URL> {
  let code: number | null | undefined;
  void ended.then((value) => {
    code = value;
  });
  for (;;) {
    const printed = /CIR Lab is running at (http:\S+\n)/.exec(output.text);
    if (printed) return new URL(printed[1]!.trim());
    assert.equal(code, undefined, output.text);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function occupy(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

const portOf = (server: Server): number => (server.address() as { port: number }).port;

describe("cirlab start", () => {
  it("prints an address that opens the page, and stops kernels and itself on Ctrl-C", async (t) => {
    const started = await start(t, "--port", "0", "--no-open");
    const url = await address(started);
    assert.equal(url.pathname, "/tree");
    assert.match(url.search, /^\?token=[0-9a-f]{48}$/);
    assert.equal((await fetch(`${url.origin}/api`)).status, 200);
    const headers = { Authorization: `token ${url.searchParams.get("token")}` };
    const made = await fetch(`${url.origin}/api/kernels`, { method: "POST", headers, body: "{}" });
    assert.equal(made.status, 201);
    started.child.kill("SIGINT");
    assert.equal(await started.ended, 0, started.output.text);
  });

  it("refuses what it does not understand with one error, and exits with 2", async (t) => {
    const wrong: [args: string[], wording: RegExp][] = [
      [["--prot", "1"], /--prot/],
      [["--port", "x"], /--port must be a whole number/],
      [["--port", "70000"], /--port must be a whole number/],
      [["no-such-folder"], /no-such-folder is not a folder/],
      [["--cull-idle", "soon"], /--cull-idle must be a number of seconds above 0, not "soon"/],
      [["--cull-busy"], /--cull-busy needs --cull-idle/],
      [["--token", "short"], /--token must be/],
      [["--no-token"], /--no-token needs a password.*cirlab password/],
      [["--no-token", "--token", "long-enough"], /exclude each other/],
      [["--certfile", "none.pem"], /certificate none\.pem cannot be read/],
      [["--keyfile", "none.pem"], /--keyfile needs --certfile/],
      [["--base-url", "/a/../b"], /base URL must be a path/],
      [["--allow-host", "http://x"], /--allow-host must be a host name/],
    ];
    await Promise.all(
      wrong.map(async ([args, wording]) => {
        const { output, ended } = await start(t, "--no-open", ...args);
        assert.equal(await ended, 2);
        assert.match(output.text, wording);
        assert.doesNotMatch(output.text, /\n {4}at /, "no stack");
      }),
    );
  });

  it("does not take another port than the one that was asked for", async (t) => {
    const other = await occupy(0);
    t.after(() => other.close());
    const { output, ended } = await start(t, "--no-open", "--port", String(portOf(other)));
    assert.equal(await ended, 1);
    assert.match(output.text, /is in use\. Choose another with --port/);
  });

  it("says when others can reach it, and prints its token nowhere but in the address", async (t) => {
    const started = await start(t, "--port", "0", "--no-open", "--host", "0.0.0.0", "--token", "a-chosen-token");
    const url = await address(started);
    const local = `http://127.0.0.1:${url.port}`;
    for (const path of ["/api/contents/none?token=a-chosen-token", "/api/none?token=a-chosen-token"])
      assert.equal((await fetch(local + path)).status, 404);
    await fetch(`${local}/login`, { method: "POST", body: new URLSearchParams({ password: "a-chosen-token" }) });
    started.child.kill("SIGINT");
    await started.ended;
    const { text } = started.output;
    assert.match(text, /Warning: Others on the network reach this server at http:.*not encrypted/);
    assert.equal(text.split("a-chosen-token").length, 2, text);
  });

  it("prints no token when only the password opens it", async (t) => {
    const home = await mkdtemp(join(tmpdir(), "cirlab-start-home-"));
    t.after(() => rm(home, { recursive: true, force: true }));
    await new PasswordFile(join(home, ".cirlab")).set("correct horse");
    const started = await startIn(t, home, "--port", "0", "--no-open", "--no-token", "--base-url", "/user/x");
    const url = await address(started);
    assert.equal(url.search, "");
    assert.equal(url.pathname, "/user/x/tree");
    assert.match(await (await fetch(`${url.origin}/user/x/login`)).text(), /Password/);
  });
});
