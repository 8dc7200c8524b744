import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import WebSocket from "ws";
import { until } from "../until.ts";
import { startServer, type TestServer } from "./server.ts";

/** A page's connection to a terminal, and what it was told. */
async function connect(
  server: TestServer,
  name: string,
): Promise<{ socket: WebSocket; heard: unknown[][]; shown(): string }> {
  const url = `${server.url.replace("http", "ws")}/terminals/websocket/${name}?token=${server.token}`;
  const socket = new WebSocket(url);
  server.before(() => socket.terminate());
  const heard: unknown[][] = [];
  socket.on("message", (data) => heard.push(JSON.parse(String(data))));
  await until(() => heard.length > 0);
  const shown = (): string =>
    heard
      .filter(([kind]) => kind === "stdout")
      .map(([, text]) => text)
      .join("");
  return { socket, heard, shown };
}

const send = (socket: WebSocket, ...message: unknown[]): void => socket.send(JSON.stringify(message));
const start = async (server: TestServer, body: object = {}): Promise<{ name: string; last_activity: string }> =>
  (await (await server.api("POST", "/api/terminals", body)).json()) as { name: string; last_activity: string };

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("terminals", () => {
  it("run a shell in the folder asked for, show what it writes, and again to a page that comes back", async (t) => {
    const server = await startServer(t);
    await mkdir(join(server.root, "sub"));
    const { name, last_activity } = await start(server, { cwd: "sub" });
    assert.equal(name, "1");
    const first = await connect(server, name);
    assert.deepEqual(first.heard[0], ["setup", {}]);
    send(first.socket, "set_size", 30, 91, 600, 800);
    send(first.socket, "stdin", "pwd; stty size; printf 'twe''lve \\033[c\\n'\r");
    await until(() => first.shown().includes("twelve"));
    assert.match(first.shown(), /root\/sub\r?\n30 91\r?\n/);
    first.socket.close();

    const second = await connect(server, name);
    await until(() => second.shown().includes("twelve"));
    assert.doesNotMatch(second.shown(), /\x1b\[c/, "a question to the terminal is not put a second time");
    const [model] = (await (await server.api("GET", "/api/terminals")).json()) as { last_activity: string }[];
    assert.ok(model!.last_activity > last_activity);

    send(second.socket, "no such message");
    second.socket.send("not JSON");
    send(second.socket, "set_size", -1, "x");
    send(second.socket, "stdin", "exit\r");
    await until(() => second.heard.some(([kind]) => kind === "disconnect"));
    await until(() => second.socket.readyState === WebSocket.CLOSED);
    assert.deepEqual(await (await server.api("GET", "/api/terminals")).json(), []);
  });

  it("are shown in the size that fits the smallest page", async (t) => {
    const server = await startServer(t);
    const { name } = await start(server);
    const [small, large] = [await connect(server, name), await connect(server, name)];
    send(small.socket, "set_size", 20, 100);
    send(large.socket, "set_size", 50, 60);
    send(large.socket, "stdin", "stty size\r");
    await until(() => /\b20 60\b/.test(small.shown()));
    small.socket.close();
    await until(async () => {
      send(large.socket, "stdin", "stty size\r");
      return /\b50 60\b/.test(large.shown());
    });
  });

  it("lose nothing of a flood, and end with what runs in them", async (t) => {
    const server = await startServer(t);
    const { name } = await start(server, { name: "mine" });
    assert.equal(name, "mine");
    assert.equal((await start(server, { name: "mine" })).name, "mine", "a name has one terminal");
    const { socket, heard, shown } = await connect(server, name);
    // An empty line first, since the prompt may be shown after what was typed. In the foreground, since what a closed
    // terminal does to jobs in the background is each shell's own affair.
    send(socket, "stdin", "echo; seq 1 200000; sh -c 'echo pids=$PPID,$$=; exec sleep 2000'\r");
    await until(() => /pids=\d+,\d+=/.test(shown()));
    const lines = shown().match(/^\d+(?=\r$)/gm) ?? [];
    assert.equal(lines.length, 200_000);
    assert.equal(lines.at(-1), "200000");
    const pids = /pids=(\d+),(\d+)=/.exec(shown())!.slice(1).map(Number);
    assert.ok(pids.every(isRunning));
    const deleted = await server.api("DELETE", "/api/terminals/mine");
    assert.equal(deleted.status, 204);
    await until(() => heard.some(([kind]) => kind === "disconnect"));
    await until(() => !pids.some(isRunning));
    for (const method of ["GET", "DELETE"]) {
      const gone = await server.api(method, "/api/terminals/mine");
      assert.equal(gone.status, 404);
      assert.match(((await gone.json()) as { message: string }).message, /Terminal not found: mine/);
    }
  });

  it("end with the server, even those that do not listen", async (t) => {
    const server = await startServer(t);
    const { socket, shown } = await connect(server, (await start(server)).name);
    send(socket, "stdin", "trap '' HUP; echo pid=$$=\r");
    await until(() => /pid=\d+=/.test(shown()));
    const pid = Number(/pid=(\d+)=/.exec(shown())![1]);
    await server.close();
    assert.ok(!isRunning(pid));
  });

  it("are refused without a credential, under a wrong name, and where they are switched off", async (t) => {
    const server = await startServer(t);
    assert.equal((await server.raw("/api/terminals", { method: "POST" })).status, 403);
    assert.equal((await server.api("POST", "/api/terminals", { name: "../x" })).status, 400);
    const without = await startServer(t, { terminals: false });
    const refused = await without.api("POST", "/api/terminals", {});
    assert.equal(refused.status, 404);
    assert.match(((await refused.json()) as { message: string }).message, /no terminals/);
    const page = await (await without.api("GET", "/tree")).text();
    assert.doesNotMatch(page, /"terminalsAvailable":"true"/);
  });
});
