import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { io, type Socket } from "socket.io-client";
import WebSocket from "ws";
import { RunHistory } from "../../server/live/history.ts";
import { startServer, type TestServer, until } from "./server.ts";

interface Message {
  runId: string;
  event?: Record<string, unknown>;
  events?: Record<string, unknown>[];
}

/** Connects to the channel; rejects when the server refuses. */
async function connect(
  server: TestServer,
  options: { token?: string; headers?: Record<string, string> },
): Promise<Socket> {
  const socket = io(server.url, {
    forceNew: true,
    reconnection: false,
    ...(options.token === undefined ? {} : { auth: { token: options.token } }),
    ...(options.headers ? { extraHeaders: options.headers } : {}),
  });
  server.before(() => socket.close());
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  return socket;
}

function collect(socket: Socket): Message[] {
  const messages: Message[] = [];
  socket.on("history", (message: Message) => messages.push(message));
  socket.on("event", (message: Message) => messages.push(message));
  return messages;
}

const step = (n: number): Record<string, unknown> => ({ type: "step", step: n, metrics: { reward: n / 10 } });

describe("the live channel", () => {
  it("gives readers the history and then every event of the runs they follow", async (t) => {
    const server = await startServer(t);
    const publisher = await connect(server, { token: server.publisherToken });
    const early = await connect(server, { token: server.token });
    const first = collect(early);
    early.emit("subscribe", "b");
    for (const n of [1, 2]) publisher.emit("publish", { runId: "a", event: step(n) });
    publisher.emit("publish", { runId: "a", event: "no event" });
    publisher.emit("publish", { runId: 5, event: step(1) });
    publisher.emit("publish", { runId: "b", event: step(7) });
    await until(() => first.length === 1);

    const reader = await connect(server, { token: server.token });
    const everything = await connect(server, { token: server.token });
    const [one, all] = [collect(reader), collect(everything)];
    everything.emit("subscribe", "*");
    await until(() => all.length === 2);
    reader.emit("subscribe", "a");
    await until(() => one.length === 1);
    assert.deepEqual(one, [{ runId: "a", events: [step(1), step(2)] }]);
    publisher.emit("publish", { runId: "b", event: step(8) });
    publisher.emit("publish", { runId: "a", event: step(3) });
    await until(() => one.length === 2 && all.length === 4);
    assert.deepEqual(one[1], { runId: "a", event: step(3) });
    assert.deepEqual(all.slice(2), [
      { runId: "b", event: step(8) },
      { runId: "a", event: step(3) },
    ]);
  });

  it("knows readers from publishers and refuses everyone else", async (t) => {
    const server = await startServer(t);
    await assert.rejects(connect(server, {}), /Forbidden/);
    await assert.rejects(connect(server, { token: "wrong" }), /Forbidden/);
    await assert.rejects(connect(server, { token: server.token, headers: { Origin: "http://evil.example" } }));
    const cookies = (await server.raw(`/tree?token=${server.token}`)).headers.getSetCookie();
    const Cookie = cookies.map((cookie) => cookie.split(";", 1)[0]).join("; ");
    const page = await connect(server, { headers: { Cookie, Origin: server.url } });
    const seen = collect(page);
    page.emit("subscribe", "*");
    // A reader cannot publish, a publisher's secret opens nothing else.
    page.emit("publish", { runId: "a", event: step(1) });
    const publisher = await connect(server, { token: server.publisherToken });
    publisher.emit("publish", { runId: "a", event: step(2) });
    await until(() => seen.length > 0);
    assert.deepEqual(seen, [{ runId: "a", event: step(2) }]);
    const api = await server.raw(`/api/contents?token=${server.publisherToken}`);
    assert.equal(api.status, 403);
  });

  it("does not wait for a reader that stops reading, and brings it up to date afterwards", async (t) => {
    const server = await startServer(t);
    // A reader by hand, because it must be able to stop reading: engine.io open, socket.io connect, subscribe.
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    server.before(() => socket.terminate());
    const received: unknown[][] = [];
    socket.on("message", (data) => {
      const text = data.toString();
      if (text === "2") socket.send("3");
      else if (text.startsWith("0")) socket.send(`40${JSON.stringify({ token: server.token })}`);
      else if (text.startsWith("40")) socket.send('42["subscribe","*"]');
      else if (text.startsWith("42")) received.push(JSON.parse(text.slice(2)));
    });
    const publisher = await connect(server, { token: server.publisherToken });
    const ready = await connect(server, { token: server.token });
    const last = { steps: 0 };
    ready.on("event", ({ event }: { event: { step: number } }) => {
      last.steps = event.step;
    });
    ready.emit("subscribe", "*");
    publisher.emit("publish", { runId: "a", event: step(0) });
    await until(() => received.length > 0);
    socket.pause();
    const padding = "x".repeat(8_000);
    const total = 4_000;
    for (let n = 1; n <= total; n++) {
      publisher.emit("publish", { runId: "a", event: { ...step(n), padding } });
      // As a training does: others get their turn between steps.
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => last.steps === total);
    socket.resume();
    await until(() => (received.at(-1)![1] as Message).event?.step === total);
    assert.ok(received.length < total / 2, `the slow reader got ${received.length} messages`);
    const steps = received.slice(1).map((message) => (message[1] as Message).event!.step as number);
    assert.deepEqual(
      steps,
      [...new Set(steps)].sort((a, b) => a - b),
      "in order, none twice",
    );
  });
});

describe("a run's history", () => {
  it("stays within its size, keeps the newest and the events that are no steps", () => {
    const history = new RunHistory(100);
    history.add({ type: "start" });
    for (let n = 0; n < 10_000; n++) history.add({ type: "step", step: n });
    const { events } = history;
    assert.ok(events.length <= 100 && events.length >= 50);
    assert.equal(events[0]!.type, "start");
    assert.equal(events.at(-1)!.step, 9_999);
    const steps = events.slice(1).map((event) => event.step as number);
    assert.deepEqual(
      steps,
      [...steps].sort((a, b) => a - b),
    );
    assert.ok(steps[0]! < 5_000, "the run's beginning is still visible");
  });
});
