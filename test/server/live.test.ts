import assert from "node:assert/strict";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { io, type Socket } from "socket.io-client";
import WebSocket from "ws";
import type { CommandReply, Points, RunListing, RunUpdate } from "../../src/live/messages.ts";
import { thinned } from "../../src/live/points.ts";
import { LivePublisher, type RecordedEvent, Run } from "../../src/recording/index.ts";
import { until } from "../until.ts";
import { fastMetrics, generatedRun, recordSteps } from "./fast-run.ts";
import { startServer, type TestServer } from "./server.ts";

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

/** What a reader has of a run: its points put together, as a page does. */
class Seen {
  readonly updates: RunUpdate[] = [];
  seq = -1;
  points = new Map<string, Points>();
  readonly events: RunUpdate["events"] = [];

  constructor(socket: Socket, runId: string) {
    socket.on("update", (update: RunUpdate) => {
      if (update.runId === runId) this.#take(update);
    });
  }

  get status(): RunUpdate["status"] | undefined {
    return this.updates.at(-1)?.status;
  }

  steps(metric = "reward"): number[] {
    return this.points.get(metric)?.x ?? [];
  }

  #take(update: RunUpdate): void {
    this.updates.push(update);
    if (update.after === -1) this.points = new Map();
    else assert.equal(update.after, this.seq, "an update goes on where the last one ended");
    this.seq = update.seq;
    const { cutAfter } = update;
    if (cutAfter !== undefined)
      for (const [name, { x, y }] of this.points) {
        const kept = x.findLastIndex((step) => step <= cutAfter) + 1;
        this.points.set(name, { x: x.slice(0, kept), y: y.slice(0, kept) });
      }
    for (const [name, { x, y }] of Object.entries(update.points)) {
      const known = this.points.get(name) ?? { x: [], y: [] };
      this.points.set(name, { x: [...known.x, ...x], y: [...known.y, ...y] });
    }
    this.events.push(...update.events);
  }
}

/** Follows a run from the beginning. */
function follow(socket: Socket, runId: string): Seen {
  const seen = new Seen(socket, runId);
  socket.emit("subscribe", runId);
  return seen;
}

const makeRun = (server: TestServer, folder = "runs"): Promise<Run> =>
  Run.create({ folder: join(server.root, folder), name: "test", config: { klCoef: 0, topP: 1 } });

const step = (n: number) =>
  ({ type: "step", step: n, metrics: { reward: n / 10, secondsCollect: 1, secondsUpdate: 2 } }) as const;

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe("the live channel", () => {
  it("tells of a run with hundreds of steps a second what it ends with, and of all its steps", async (t) => {
    const server = await startServer(t);
    const run = await generatedRun(join(server.root, "runs"));
    await run.acquire();
    t.after(() => run.release());
    run.append({ type: "run-started", step: 0, config: {}, count: 5000 });
    const early = follow(await connect(server, { token: server.token }), run.id);
    await until(() => early.status !== undefined);
    await recordSteps(run, 5000);
    run.append({ type: "run-finished", step: 5000, reason: "completed" });
    await until(() => early.status!.state === "completed");
    const late = follow(await connect(server, { token: server.token }), run.id);
    await until(() => late.status !== undefined);
    const { seq } = (await run.events()).at(-1)!;
    const last = fastMetrics(5000);
    const all = upTo(5000);
    for (const seen of [early, late]) {
      assert.deepEqual([seen.seq, seen.status!.step], [seq, 5000]);
      for (const [name, value] of Object.entries(last)) {
        const { x, y } = seen.points.get(name)!;
        assert.deepEqual([x[0], x.at(-1), y.at(-1)], [1, 5000, value], name);
        assert.ok(x.every((at, i) => i === 0 || at > x[i - 1]!));
        assert.deepEqual(
          y,
          x.map((at) => fastMetrics(at)[name]),
        );
      }
      const { x, y } = seen.points.get("reward")!;
      assert.equal(y[x.indexOf(500)], 9, "a peak of one step is never lost");
      assert.ok(Math.abs(seen.points.get("seconds")!.y.at(-1)! - 0.01) < 1e-12);
    }
    // Whoever comes late gets the whole course at once, in as many points as a chart can show.
    assert.deepEqual(late.points.get("reward"), thinned({ x: all, y: all.map((at) => fastMetrics(at).reward!) }, 1500));
  });

  it("follows a run of another process on disk: history for whoever comes late, then the tail", async (t) => {
    const server = await startServer(t);
    const run = await makeRun(server, "deep/notebooks/runs");
    await run.acquire();
    t.after(() => run.release());
    run.append({ type: "run-started", step: 0, config: {}, count: 10 });
    for (const n of [1, 2, 3]) run.append(step(n));
    run.append({ type: "config", step: 3, changes: { klCoef: 0.1 } });
    const early = follow(await connect(server, { token: server.token }), run.id);
    await until(() => early.steps().length === 3);
    assert.deepEqual(early.updates[0]!.facts, {
      name: "test",
      path: `deep/notebooks/runs/${run.id}`,
      settings: { klCoef: 0.1, topP: 1 },
      checkpoints: [],
    });
    assert.equal(early.status!.state, "running");
    assert.equal(early.status!.listens, true);
    assert.equal(early.status!.target, 10);
    run.append(step(4));
    await until(() => early.steps().length === 4);
    const late = follow(await connect(server, { token: server.token }), run.id);
    await until(() => late.steps().length === 4);
    run.append(step(5));
    run.append({ type: "rewound", step: 2 });
    run.append({ ...step(3), metrics: { reward: 7 } });
    for (const seen of [early, late]) {
      await until(() => seen.points.get("reward")?.y.at(-1) === 7);
      assert.deepEqual(seen.steps(), [1, 2, 3]);
      assert.deepEqual(seen.points.get("seconds"), { x: [1, 2], y: [3, 3] });
    }
    run.append({ type: "run-finished", step: 3, reason: "completed" });
    await until(() => late.status!.state === "completed");
    assert.equal(late.status!.listens, false);
  });

  it("hears at once of a run that one of its kernels records, wherever that is", async (t) => {
    const server = await startServer(t);
    const reader = await connect(server, { token: server.token });
    const publisher = new LivePublisher({ url: server.url, token: server.publisherToken });
    server.before(() => publisher.close());
    const elsewhere = join(server.root, "..", "elsewhere");
    const run = await Run.create({ folder: elsewhere, name: "far", publisher });
    const seen = follow(reader, run.id);
    run.append({ type: "run-started", step: 0, config: {} });
    for (const n of [1, 2]) run.append(step(n));
    await until(() => seen.steps().length === 2);
    assert.equal(seen.updates.find(({ facts }) => facts)!.facts!.path, undefined);
    // Nobody but a kernel can name a folder, and only one that holds the run.
    const stranger = await connect(server, { token: server.token });
    stranger.emit("publish", { runId: "other", folder: elsewhere, event: { type: "step" } });
    const liar = await connect(server, { token: server.publisherToken });
    liar.emit("publish", { runId: "other", folder: run.folder, event: { type: "step" } });
    const listed = new Promise<RunListing[]>((resolve) =>
      reader.on("runs", ({ runs }: { runs: RunListing[] }) => resolve(runs)),
    );
    reader.emit("subscribe", "*");
    assert.deepEqual(
      (await listed).map(({ runId }) => runId),
      [run.id],
    );
    await run.close();
  });

  it("lists the runs on disk with their states, and tells when one begins", async (t) => {
    const server = await startServer(t);
    const done = await makeRun(server);
    done.append({ type: "run-started", step: 0, config: {} });
    done.append({ type: "run-finished", step: 0, reason: "stopped" });
    await done.close();
    const lost = await makeRun(server);
    lost.append({ type: "run-started", step: 0, config: {} });
    for (let n = 1; n <= 2_000; n++) lost.append(step(n));
    await lost.close();
    await mkdir(join(server.root, "runs", "broken"));
    await writeFile(join(server.root, "runs", "broken", "config.json"), "{");
    const reader = await connect(server, { token: server.token });
    let list: RunListing[] = [];
    reader.on("runs", ({ runs }: { runs: RunListing[] }) => {
      list = runs;
    });
    reader.emit("subscribe", "*");
    await until(() => list.length === 2);
    const of = (run: Run) => list.find(({ runId }) => runId === run.id)!;
    assert.equal(of(done).state, "stopped");
    assert.equal(of(lost).state, "died");
    assert.equal(of(lost).step, 2_000);
    const fresh = await makeRun(server);
    await fresh.acquire();
    t.after(() => fresh.release());
    fresh.append({ type: "run-started", step: 0, config: {} });
    await until(() => of(fresh)?.state === "running");
  });

  it("opens a long run quickly, with the extremes of every metric, and in little data", async (t) => {
    const server = await startServer(t);
    const run = await makeRun(server);
    run.append({ type: "run-started", step: 0, config: {} });
    await run.close();
    const total = 100_000;
    const lines: string[] = [];
    for (let n = 1; n <= total; n++) {
      const reward = n === 54_321 ? 1000 : n === 77_777 ? -1000 : Math.sin(n / 1000);
      const event: RecordedEvent = {
        seq: n,
        time: n,
        type: "step",
        step: n,
        metrics: { reward, entropy: n === 3 ? 9 : 1 },
      };
      lines.push(`${JSON.stringify(event)}\n`);
    }
    await appendFile(join(run.folder, "events.jsonl"), lines.join(""));
    const reader = await connect(server, { token: server.token });
    const seen = follow(reader, run.id);
    await until(() => seen.seq === total);
    assert.equal(seen.updates.length, 1);
    const { x, y } = seen.points.get("reward")!;
    assert.ok(x.length <= 1_500, `${x.length} points`);
    assert.deepEqual([x[0], x.at(-1)], [1, total]);
    assert.equal(y[x.indexOf(54_321)], 1000);
    assert.equal(y[x.indexOf(77_777)], -1000);
    assert.ok(seen.points.get("entropy")!.y.includes(9));
    assert.ok(JSON.stringify(seen.updates).length < 200_000);
  });

  it("goes on where a reader was that comes back, without gaps or doubles", async (t) => {
    const server = await startServer(t);
    const run = await makeRun(server);
    run.append({ type: "run-started", step: 0, config: {} });
    for (const n of upTo(20)) run.append(step(n));
    const first = await connect(server, { token: server.token });
    const seen = follow(first, run.id);
    await until(() => seen.steps().length === 20);
    first.close();
    for (let n = 21; n <= 40; n++) run.append(step(n));
    const second = await connect(server, { token: server.token });
    const rest = new Seen(second, run.id);
    rest.seq = seen.seq;
    second.emit("subscribe", { runId: run.id, after: seen.seq });
    await until(() => rest.steps().length === 20);
    assert.deepEqual([...seen.steps(), ...rest.steps()], upTo(40));
    // Whoever claims to have seen what never was gets everything.
    const third = await connect(server, { token: server.token });
    const anew = new Seen(third, run.id);
    third.emit("subscribe", { runId: run.id, after: 1_000_000 });
    await until(() => anew.steps().length === 40);
    assert.equal(anew.updates[0]!.after, -1);
    await run.close();
  });

  it("shows one run to many, whenever they come", async (t) => {
    const server = await startServer(t);
    const run = await makeRun(server);
    run.append({ type: "run-started", step: 0, config: {} });
    const viewers: Seen[] = [];
    for (const n of upTo(40)) {
      run.append(step(n));
      viewers.push(follow(await connect(server, { token: server.token }), run.id));
    }
    run.append({ type: "alert", step: 40, text: "look here" });
    await until(() => viewers.every(({ events }) => events.at(-1)?.type === "alert"));
    for (const seen of viewers) assert.deepEqual(seen.steps(), upTo(40));
    await run.close();
  });

  it("refuses everyone without a credential, and a reader cannot publish", async (t) => {
    const server = await startServer(t);
    await assert.rejects(connect(server, {}), /Forbidden/);
    await assert.rejects(connect(server, { token: "wrong" }), /Forbidden/);
    await assert.rejects(connect(server, { token: server.token, headers: { Origin: "http://evil.example" } }));
    const api = await server.raw(`/api/contents?token=${server.publisherToken}`);
    assert.equal(api.status, 403);
  });

  it("does not wait for a reader that stops reading, and brings it up to date afterwards", async (t) => {
    const server = await startServer(t);
    const run = await makeRun(server);
    run.append({ type: "run-started", step: 0, config: {} });
    // A reader by hand, because it must be able to stop reading: engine.io open, socket.io connect, subscribe.
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    server.before(() => socket.terminate());
    const updates: RunUpdate[] = [];
    socket.on("message", (data) => {
      const text = data.toString();
      if (text === "2") socket.send("3");
      else if (text.startsWith("0")) socket.send(`40${JSON.stringify({ token: server.token })}`);
      else if (text.startsWith("40")) socket.send(`42${JSON.stringify(["subscribe", run.id])}`);
      else if (text.startsWith("42")) updates.push((JSON.parse(text.slice(2)) as [string, RunUpdate])[1]);
    });
    const ready = follow(await connect(server, { token: server.token }), run.id);
    await until(() => updates.length > 0 && ready.updates.length > 0);
    socket.pause();
    const wide = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`metric${i}`, Math.PI * (i + 1)]));
    let n = 0;
    // Until far more has been sent to the other reader than the system holds back for one that does not read.
    while (ready.updates.length < 60) {
      for (let i = 0; i < 40; i++) run.append({ type: "step", step: ++n, metrics: wide });
      const before = ready.updates.length;
      await until(() => ready.updates.length > before);
    }
    const sent = updates.length;
    socket.resume();
    await until(() => updates.at(-1)!.status.step === n);
    assert.ok(updates.length - sent < 40, `the slow reader got ${updates.length - sent} updates`);
    let seq = -1;
    for (const update of updates) {
      assert.ok(update.after === -1 || update.after === seq, "no gap, no double");
      seq = update.seq;
    }
    assert.deepEqual(ready.steps("metric0"), upTo(n));
    await run.close();
  });
});

describe("commands on the live channel", () => {
  const give = (socket: Socket, runId: string, command: unknown, xsrf?: string): Promise<CommandReply> =>
    socket
      .timeout(10_000)
      .emitWithAck("command", { runId, command, ...(xsrf === undefined ? {} : { xsrf }) }) as Promise<CommandReply>;

  it("reach the run's training with who sent them, and its answer comes back as an event", async (t) => {
    const server = await startServer(t);
    const run = await makeRun(server);
    await run.acquire();
    t.after(() => run.release());
    const desk = run.commands();
    run.append({ type: "run-started", step: 0, config: {} });
    const reader = await connect(server, { token: server.token });
    const seen = follow(reader, run.id);
    const replies = [
      await give(reader, run.id, { type: "set", values: { klCoef: 0.2 } }),
      await give(reader, run.id, { type: "rewind", step: 0 }),
    ];
    const sent = await desk.wait();
    assert.deepEqual(
      sent.map(({ id, command }) => [id, command]),
      [
        [(replies[0] as { id: string }).id, { type: "set", values: { klCoef: 0.2 } }],
        [(replies[1] as { id: string }).id, { type: "rewind", step: 0 }],
      ],
    );
    assert.match(sent[0]!.by!, /^web notebook, .*127\.0\.0\.1$/);
    run.append({ type: "command", step: 0, command: sent[0]!.command, id: sent[0]!.id, by: sent[0]!.by });
    run.append({ type: "command-refused", step: 0, text: "no way back", id: sent[1]!.id, by: sent[1]!.by });
    await until(() => seen.events.some((event) => event.type === "command" && event.id === sent[0]!.id));
    await until(() => seen.events.some((event) => event.type === "command-refused" && event.text === "no way back"));
  });

  it("are refused at the door when they are none, come too often, or nobody would hear them", async (t) => {
    const server = await startServer(t);
    const run = await makeRun(server);
    const reader = await connect(server, { token: server.token });
    const errorOf = async (runId: string, command: unknown): Promise<string> => {
      const reply = await give(reader, runId, command);
      assert.ok("error" in reply);
      return reply.error;
    };
    assert.match(await errorOf(run.id, { type: "pause" }), /is not being trained: nobody would hear "pause"/);
    await run.acquire();
    t.after(() => run.release());
    assert.match(await errorOf(run.id, { type: "explode" }), /This is no command/);
    assert.match(await errorOf(run.id, { type: "rewind", step: -1 }), /This is no command: command.step/);
    assert.match(await errorOf("nothing", { type: "pause" }), /There is no run nothing/);
    assert.match(await errorOf("../runs", { type: "pause" }), /There is no run/);
    const long = "x".repeat(70_000);
    assert.match(await errorOf(run.id, { type: "set", values: { klCoef: long } }), /at most 65536 characters/);
    await assert.rejects(readFile(join(run.folder, "commands.jsonl")), /ENOENT/);
    const replies = await Promise.all(upTo(30).map(() => give(reader, run.id, { type: "pause" })));
    assert.ok(replies.some((reply) => "error" in reply && /At most 20 commands/.test(reply.error)));
    const lines = (await readFile(join(run.folder, "commands.jsonl"), "utf8")).trim().split("\n");
    assert.equal(lines.length, replies.filter((reply) => "id" in reply).length);
  });

  it("need the page's own secret where a cookie alone is shown", async (t) => {
    const server = await startServer(t);
    const run = await makeRun(server);
    await run.acquire();
    t.after(() => run.release());
    const cookies = (await server.raw(`/tree?token=${server.token}`)).headers.getSetCookie();
    const Cookie = cookies.map((cookie) => cookie.split(";", 1)[0]).join("; ");
    const xsrf = decodeURIComponent(/_xsrf=([^;]*)/.exec(Cookie)![1]!);
    const page = await connect(server, { headers: { Cookie, Origin: server.url } });
    for (const wrong of [undefined, "", "guessed"]) {
      const reply = await give(page, run.id, { type: "stop" }, wrong);
      assert.ok("error" in reply && /does not come from a page of this server/.test(reply.error));
    }
    assert.ok("id" in (await give(page, run.id, { type: "pause" }, xsrf)));
    await assert.rejects(connect(server, { headers: { Cookie, Origin: "http://evil.example" } }));
    // A kernel's secret publishes, and does nothing else.
    const publisher = await connect(server, { token: server.publisherToken });
    const seen = follow(publisher, run.id);
    publisher.emit("command", { runId: run.id, command: { type: "stop" }, xsrf });
    run.append({ type: "run-started", step: 0, config: {} });
    const watcher = follow(page, run.id);
    await until(() => watcher.updates.length > 0);
    assert.equal(seen.updates.length, 0);
    const sent = (await readFile(join(run.folder, "commands.jsonl"), "utf8")).trim().split("\n");
    assert.deepEqual(
      sent.map((line) => (JSON.parse(line) as { type: string }).type),
      ["pause"],
    );
  });
});

describe("thinning", () => {
  it("keeps the ends, the extremes and the order, and never the gaps in place of values", () => {
    const x = upTo(10_000);
    const y = x.map((n) => (n % 3 === 0 ? null : n === 5_000 ? 99 : n === 6_001 ? -99 : 0));
    const points = thinned({ x, y }, 100);
    assert.ok(points.x.length <= 100 && points.x.length > 50);
    assert.deepEqual(
      points.x,
      [...points.x].sort((a, b) => a - b),
    );
    assert.deepEqual([points.x[0], points.x.at(-1)], [1, 10_000]);
    assert.equal(points.y[points.x.indexOf(5_000)], 99);
    assert.equal(points.y[points.x.indexOf(6_001)], -99);
    assert.ok(points.y.slice(1, -1).every((value) => value !== null));
    assert.deepEqual(thinned({ x: [1, 2], y: [3, null] }, 100), { x: [1, 2], y: [3, null] });
  });
});
