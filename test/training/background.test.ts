import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { TestKernel } from "../kernel/client.ts";

const setUp = `
import { Lab, Policy, PythonInterpreter, Trainer, recipes, tasks } from "cirlab";
const lab = new Lab({ seed: 7, device: "cpu", threads: 1 });
const python = await PythonInterpreter.start({ lanes: 1 });
const policy = await Policy.create("tiny-math", { lab });
let fails = false;
const reward = {
  name: "by length",
  score: ({ text }: { text: string }) => {
    if (fails) throw new Error("the judge has left");
    return { reward: (text.length % 5) / 2 - 1, correct: false, detail: {} };
  },
};
const trainer = new Trainer({
  ...recipes.cir(), promptsPerStep: 2, numGenerations: 2, maxLength: 32, checkpointEvery: 0,
  lab, policy, interpreter: python, taskset: tasks.arithmetic({ families: ["algebra"] }), reward,
});`;

test("a run goes on while other cells run and are interrupted; its panel and its errors stay with its cell", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-background-"));
  const kernel = await TestKernel.start({ cwd: folder });
  const cell = async (code: string): Promise<string> => {
    const { reply, result } = await kernel.execute(code);
    assert.equal(reply.status, "ok", `${reply.traceback}`);
    return result ?? "";
  };
  try {
    await cell(setUp);
    const starting = kernel.send("const run = trainer.start(100_000);");
    const started = await starting.done;
    assert.equal(started.reply.status, "ok", `${started.reply.traceback}`);
    const panel = started.messages.find((message) => message.header.msg_type === "display_data");
    const { display_id: displayId } = (panel!.content.transient ?? {}) as { display_id?: string };
    assert.ok(displayId, "the panel is there when the cell ends");
    const updates = () =>
      kernel.received.filter(
        ({ header, content }) =>
          header.msg_type === "update_display_data" &&
          (content.transient as { display_id?: string }).display_id === displayId,
      );
    // Other cells run meanwhile, and one that would never end is interrupted.
    await cell("1 + 1");
    const before = Number(await cell("trainer.step"));
    const endless = kernel.send("display(1); await new Promise(() => {});");
    await endless.until((message) => message.header.msg_type === "display_data");
    await kernel.interrupt();
    assert.equal((await endless.done).reply.status, "error");
    const busy = kernel.send("display(1); await null; for (;;) {}");
    await busy.until((message) => message.header.msg_type === "display_data");
    await kernel.interrupt();
    assert.equal((await busy.done).reply.status, "error");
    await cell(`while (trainer.step < ${before + 5}) await new Promise((resolve) => setTimeout(resolve, 20));`);
    assert.equal(await cell("run.status"), "'running'");
    await cell("await run.pause()");
    assert.equal(await cell("run.status"), "'paused'");
    await cell("await run.set({ clipRatioHigh: 0.4 }); await run.resume();");
    assert.ok(updates().length > 0);
    assert.ok(updates().every(({ parent_header }) => parent_header.msg_id === starting.id));

    const failing = await kernel.execute(
      "fails = true; const end = await run.done.catch((error) => error.message); end",
    );
    assert.match(failing.result!, /the judge has left/);
    assert.equal(await cell("run.status"), "'failed'");
    const last = await kernel.until(() =>
      updates().find(({ content }) => /failed/.test((content.data as { "text/plain": string })["text/plain"])),
    );
    assert.match((last.content.data as { "text/plain": string })["text/plain"], /the judge has left/);
    const stray = kernel.received.filter(
      ({ header, content }) => header.msg_type === "stream" && content.name === "stderr",
    );
    assert.deepEqual(
      stray.map(({ content }) => content.text),
      [],
    );
  } finally {
    await kernel.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
