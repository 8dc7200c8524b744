import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { commTarget, type FromKernel, type FromPage } from "../../src/live/messages.ts";
import type { Run } from "../../src/recording/index.ts";
import { TestKernel } from "../kernel/client.ts";
import { makeRun } from "../server/recorded-runs.ts";

type Said<T extends FromKernel["type"]> = Extract<FromKernel, { type: T }>;

/** The page's end of a comm. */
class Page {
  readonly #kernel: TestKernel;
  readonly #id: string;

  constructor(kernel: TestKernel, id: string) {
    this.#kernel = kernel;
    this.#id = id;
  }

  static async open(kernel: TestKernel, id: string): Promise<Page> {
    const content = { comm_id: id, target_name: commTarget, data: {} };
    await kernel.client.send("shell", kernel.client.message("comm_open", content));
    return new Page(kernel, id);
  }

  get isClosed(): boolean {
    return this.#kernel.received.some(
      ({ header, content }) => header.msg_type === "comm_close" && content.comm_id === this.#id,
    );
  }

  async say(data: FromPage | Record<string, unknown>): Promise<void> {
    await this.#kernel.client.send("shell", this.#kernel.client.message("comm_msg", { comm_id: this.#id, data }));
  }

  heard<T extends FromKernel["type"]>(type: T): Said<T>[] {
    return this.#kernel.received
      .filter(({ header, content }) => header.msg_type === "comm_msg" && content.comm_id === this.#id)
      .map(({ content }) => content.data as FromKernel)
      .filter((message): message is Said<T> => message.type === type);
  }

  /** The first message of a kind that is as asked for. */
  hears<T extends FromKernel["type"]>(type: T, wanted: (message: Said<T>) => boolean = () => true): Promise<Said<T>> {
    return this.#kernel.until(() => this.heard(type).find(wanted));
  }
}

describe("runs over the kernel", { concurrency: false }, () => {
  let folder: string;
  let kernel: TestKernel;
  let run: Run;
  let page: Page;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cirlab-comm-"));
    run = await makeRun(join(folder, "runs"), "known", 3);
    kernel = await TestKernel.start({ cwd: folder });
  });
  after(async () => {
    await kernel.stop();
    await run.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it("are there once a cell has imported the lab", async () => {
    const early = await Page.open(kernel, "early");
    await kernel.until(() => early.isClosed);
    const { reply } = await kernel.execute('import { Run } from "cirlab";');
    assert.equal(reply.status, "ok");
    page = await Page.open(kernel, "page");
    await page.hears("welcome");
  });

  it("are listed and followed from the beginning, as another process records them", async () => {
    await page.say({ type: "subscribe", to: "*" });
    const { runs } = await page.hears("runs", ({ runs }) => runs.length > 0);
    assert.deepEqual(
      runs.map(({ runId, step, path }) => [runId, step, path]),
      [[run.id, 3, `runs/${run.id}`]],
    );
    await page.say({ type: "subscribe", to: run.id });
    const { update } = await page.hears("update");
    assert.deepEqual([update.after, update.points.reward?.x], [-1, [1, 2, 3]]);
    run.append({ type: "step", step: 4, metrics: { reward: 0.4 } });
    const next = await page.hears("update", (message) => message.update.after === update.seq);
    assert.deepEqual(next.update.points.reward, { x: [4], y: [0.4] });
  });

  it("of the kernel's own are heard of wherever they lie", async () => {
    const elsewhere = JSON.stringify(join(folder, ".hidden"));
    const code = `const own = await Run.create({ folder: ${elsewhere}, name: "own" });
own.append({ type: "run-started", step: 0, config: {} });
own.append({ type: "step", step: 1, metrics: { reward: 1 } });
own.id`;
    const id = (await kernel.execute(code)).result!.replaceAll("'", "");
    await page.say({ type: "subscribe", to: id });
    await kernel.execute('own.append({ type: "step", step: 2, metrics: { reward: 2 } });');
    await page.hears("update", ({ update }) => update.runId === id && update.points.reward?.x.at(-1) === 2);
  });

  it("are not steered while nobody trains them, and a command that is none is refused", async () => {
    await page.say({ type: "command", id: 1, runId: run.id, command: { type: "pause" } });
    const { value } = await page.hears("answer", ({ id }) => id === 1);
    assert.match((value as { error: string }).error, /is not being trained/);
    await page.say({ type: "command", id: 2, runId: run.id, command: { type: "explode" } });
    const { value: other } = await page.hears("answer", ({ id }) => id === 2);
    assert.match((other as { error: string }).error, /^This is no command/);
  });

  it("are browsed: one run, rows of a step, a search; what is no run's path is refused", async () => {
    const path = `runs/${run.id}`;
    const ask = async (id: number, question: Record<string, unknown>): Promise<Record<string, unknown>> => {
      await page.say({ type: "browse", id, question });
      return (await page.hears("answer", (answer) => answer.id === id)).value as Record<string, unknown>;
    };
    assert.deepEqual((await ask(10, { what: "run", path })).rolloutSteps, [1, 2, 3]);
    assert.equal((await ask(11, { what: "rollouts", path, step: 2 })).total, 3);
    const found = { what: "search", path, step: 2, text: "FIVE", isRegex: false };
    assert.deepEqual((await ask(12, found)).places, [1]);
    const refused = async (id: number, question: Record<string, unknown>): Promise<string> => {
      await page.say({ type: "browse", id, question });
      return (await page.hears("refusal", (refusal) => refusal.id === id)).text;
    };
    for (const [i, wrong] of ["", "..", "../runs", `${path}/../../..`, folder, "runs/none"].entries())
      assert.match(await refused(20 + i, { what: "run", path: wrong }), /is not the folder of a run/, wrong);
    assert.match(await refused(30, { what: "rollouts", path, step: 9 }), /no recorded rollouts/);
    assert.match(await refused(31, { ...found, text: "(", isRegex: true }), /Not a regular expression/);
    assert.match(await refused(32, { what: "everything" }), /request for runs/);
  });

  it("a page that takes nothing gets no more than twenty messages, and what it missed once it takes them", async () => {
    const slow = await Page.open(kernel, "slow");
    await slow.say({ type: "subscribe", to: run.id });
    let step = 4;
    while (slow.heard("update").length < 20) {
      run.append({ type: "step", step: ++step, metrics: { reward: step } });
      const sent = slow.heard("update").length;
      await kernel.until(() => slow.heard("update").length > sent);
    }
    run.append({ type: "step", step: ++step, metrics: { reward: step } });
    // The other page, which takes them, gets it.
    await page.say({ type: "taken", count: 20 });
    await page.hears("update", ({ update }) => update.runId === run.id && update.points.reward?.x.at(-1) === step);
    assert.equal(slow.heard("update").length, 20);
    await slow.say({ type: "taken", count: 20 });
    await slow.hears("update", ({ update }) => update.points.reward?.x.at(-1) === step);
  });

  it("of many pages the oldest is let go", async () => {
    const oldest = page;
    for (let i = 0; i < 7; i++) await (await Page.open(kernel, `more${i}`)).hears("welcome");
    await kernel.until(() => oldest.isClosed);
  });
});
