import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { Server } from "socket.io";
import { type LiveEventMessage, LivePublisher, Run } from "../../src/recording/index.ts";
import { emptyFolder, startChild } from "./tools.ts";

const token = "secret";

/** A live channel that keeps what is published to it, on a port of its own or on the one given. */
async function startChannel(port = 0) {
  const http = createServer();
  const channel = new Server(http, { serveClient: false });
  const received: LiveEventMessage[] = [];
  const roles: unknown[] = [];
  let isDone = () => {};
  const finished = new Promise<void>((resolve) => (isDone = resolve));
  channel.use((socket, next) => {
    roles.push(socket.handshake.auth.role);
    next(socket.handshake.auth.token === token ? undefined : new Error("Forbidden"));
  });
  channel.on("connection", (socket) =>
    socket.on("publish", (message: LiveEventMessage) => {
      received.push(message);
      if (message.event.type === "run-finished") isDone();
    }),
  );
  http.listen(port, "127.0.0.1");
  await once(http, "listening");
  const address = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    received,
    roles,
    finished,
    close: () => channel.close(),
  };
}

test("what is recorded arrives at the channel, in order, and is what stands on disk", async (t) => {
  const channel = await startChannel();
  t.after(channel.close);
  const publisher = new LivePublisher({ url: channel.url, token });
  t.after(() => publisher.close());
  const run = await Run.create({ folder: await emptyFolder(), publisher });
  for (let step = 1; step <= 400; step++) run.append({ type: "step", step, metrics: { reward: step } });
  run.append({ type: "run-finished", step: 400, reason: "completed" });
  assert.equal(await publisher.flush(10_000), true);
  await channel.finished;
  assert.deepEqual(
    channel.received.map(({ event }) => event),
    await run.events(),
  );
  assert.ok(channel.received.every(({ runId }) => runId === run.id));
  assert.deepEqual(channel.roles, ["publisher"]);
  assert.equal(publisher.dropped, 0);
});

test("without a server everything is recorded, the trouble is told once, and closing does not wait", async () => {
  const gone = await startChannel();
  await gone.close();
  const told: string[] = [];
  let tell = () => {};
  const trouble = new Promise<void>((resolve) => (tell = resolve));
  const publisher = new LivePublisher({
    url: gone.url,
    token,
    maxWaiting: 100,
    onTrouble: (message) => {
      told.push(message);
      tell();
    },
  });
  const run = await Run.create({ folder: await emptyFolder(), publisher });
  for (let step = 1; step <= 1000; step++) run.append({ type: "step", step, metrics: {} });
  await trouble;
  await run.close();
  publisher.close();
  assert.equal((await run.events()).length, 1000);
  assert.equal(told.length, 1);
  assert.match(told[0]!, /recorded/);
  assert.equal(publisher.dropped, 950);
});

test("a wrong token harms nothing", async (t) => {
  const channel = await startChannel();
  t.after(channel.close);
  let tell = () => {};
  const trouble = new Promise<void>((resolve) => (tell = resolve));
  const publisher = new LivePublisher({ url: channel.url, token: "wrong", onTrouble: () => tell() });
  const run = await Run.create({ folder: await emptyFolder(), publisher });
  run.append({ type: "log", text: "x" });
  await trouble;
  assert.equal(await publisher.flush(), false);
  publisher.close();
  assert.deepEqual(channel.received, []);
});

test("events that were waiting arrive when the server comes", async (t) => {
  const first = await startChannel();
  await first.close();
  let tell = () => {};
  const trouble = new Promise<void>((resolve) => (tell = resolve));
  const publisher = new LivePublisher({ url: first.url, token, onTrouble: () => tell() });
  t.after(() => publisher.close());
  const run = await Run.create({ folder: await emptyFolder(), publisher });
  run.append({ type: "run-started", step: 0, config: {} });
  await trouble;
  const second = await startChannel(first.port);
  t.after(second.close);
  run.append({ type: "run-finished", step: 0, reason: "completed" });
  await second.finished;
  assert.deepEqual(
    second.received.map(({ event }) => event.type),
    ["run-started", "run-finished"],
  );
});

test("a session finds the channel in its environment, and the connection does not keep it alive", {
  timeout: 30_000,
}, async (t) => {
  const channel = await startChannel();
  t.after(channel.close);
  const folder = await emptyFolder();
  const child = startChild("publish-child", [folder], { CIRLAB_LIVE_URL: channel.url, CIRLAB_LIVE_TOKEN: token });
  t.after(() => child.kill());
  const [id, [code]] = await Promise.all([text(child.stdout!), once(child, "exit")]);
  assert.equal(code, 0);
  await channel.finished;
  const run = await Run.open(join(folder, id.trim()));
  assert.deepEqual(
    channel.received.map(({ event }) => event),
    await run.events(),
  );
});
