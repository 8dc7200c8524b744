import assert from "node:assert/strict";
import { test } from "node:test";
import type { RecordedEvent } from "../../src/recording/index.ts";
import { until } from "../until.ts";
import { findChromium, NotebookPage, screenshot } from "./browser.ts";
import { openTraining, recordedRun } from "./training-page.ts";

const training = `import { Interpreter, Lab, Policy, recipes, tasks, Trainer } from "cirlab";
const lab = new Lab({ seed: 7, device: "cpu", threads: 1 });
const interpreter = await Interpreter.start({ language: "javascript", lanes: 1 });
const trainer = new Trainer({
  ...recipes.cir(), lab, interpreter, taskset: tasks.arithmetic({ families: ["algebra"] }),
  policy: await Policy.create("tiny-math", { lab }),
  promptsPerStep: 2, numGenerations: 2, maxLength: 96, checkpointEvery: 0,
});
await trainer.train(100_000).done();`;

test("a person reaches into a rollout while a cell trains", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const { server, context, notebook, page, panel, press } = await openTraining(t, executable, { training });
  const recorded = async (): Promise<RecordedEvent[]> => (await recordedRun(server.root)).events;

  await notebook.kernelIdle();
  await notebook.start(0);
  await panel.locator(".cirlab-run-status", { hasText: /step [1-9]\d* of 100000/ }).waitFor();
  await press("Hold");
  const held = panel.locator(".cirlab-run-held", { hasText: /Step \d+ is collected and held/ });
  await held.waitFor();
  await panel.locator(".cirlab-run-status", { hasText: /paused · .*step \d+ is held/ }).waitFor();
  const step = Number(/\d+/.exec(await held.innerText())![0]);
  await screenshot(page, "intervene-held");
  const [opened] = await Promise.all([context.waitForEvent("page"), press("Change its rollouts…")]);
  const viewer = await NotebookPage.of(opened);
  const tab = viewer.page;

  const form = tab.locator(".cirlab-intervene");
  await form.getByText("Choose a rollout to change it.").waitFor();
  await tab.locator('.cirlab-row[data-place="1/0"]').click();
  const written = tab.locator('.cirlab-token[data-token]:not([data-source="prompt"])');
  await written.nth(1).click();
  const token = Number(await written.nth(1).getAttribute("data-token"));
  await form
    .getByLabel("What is changed")
    .locator("option", { hasText: `Write from token ${token} on` })
    .waitFor({
      state: "attached",
    });
  await form.getByLabel("New text").fill("Use code:\n```python\nconsole.log(6*7)\n```");
  await form.getByRole("button", { name: "Change it" }).click();
  await form.getByText(/Rollout 1\/0: done/).waitFor();
  const person = tab.locator('.cirlab-token[data-token][data-source="person"]');
  await person.first().waitFor();
  assert.match((await person.allInnerTexts()).join(""), /console\.log/);
  const call = tab.locator(".cirlab-call").first();
  await call.getByText("What the policy read").waitFor();
  assert.match(await call.innerText(), /ok/);

  // A second page on the rollout follows; what is being written there stays, and keeps the focus.
  const second = await NotebookPage.open(context, tab.url());
  const elsewhere = second.page.locator(".cirlab-intervene").getByLabel("New text");
  await second.page.locator(".cirlab-call").first().waitFor();
  await elsewhere.fill("a thought");

  await form.getByLabel("What is changed").selectOption("output 1");
  assert.match(await form.getByLabel("New text").inputValue(), /^42/);
  await form.getByLabel("New text").fill("41");
  await form.getByRole("button", { name: "Change it" }).click();
  await call.getByText("output replaced by hand").waitFor();
  await screenshot(tab, "intervene");
  await second.page.locator(".cirlab-call").first().getByText("output replaced by hand").waitFor();
  assert.equal(await elsewhere.inputValue(), "a thought");
  assert.ok(await elsewhere.evaluate((field) => field === document.activeElement));
  await viewer.menu("Settings", "Theme", "JupyterLab Dark");
  await tab.locator('body[data-jp-theme-light="false"]').waitFor({ state: "attached" });
  await screenshot(tab, "intervene-dark");

  // What does not fit is refused in the training's own words.
  await form.getByLabel("New text").fill("日");
  await form.getByRole("button", { name: "Change it" }).click();
  await form.locator('.cirlab-run-said[data-kind="refused"]', { hasText: "cannot write" }).waitFor();

  await form.getByRole("button", { name: "Resume" }).click();
  await form.waitFor({ state: "hidden" });
  await elsewhere.waitFor({ state: "hidden" });
  await until(async () => (await recorded()).some((event) => event.type === "step" && event.step === step + 1));
  const events = await recorded();
  const changes = events.flatMap((event) => (event.type === "intervention" ? [event] : []));
  assert.deepEqual(
    changes.map(({ step: at, group, sample, edit }) => [at, group, sample, edit.kind]),
    [
      [step, 1, 0, "write"],
      [step, 1, 0, "output"],
    ],
  );
  assert.match(changes[0]!.by!, /^web notebook/);
  await held.waitFor({ state: "hidden" });
  await press("Stop");
  await notebook.ended(0);
  assert.deepEqual([...notebook.errors, ...viewer.errors, ...second.errors], []);
});
