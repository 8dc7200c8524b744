import assert from "node:assert/strict";
import { test } from "node:test";
import { stepsOf } from "../../src/recording/index.ts";
import { until } from "../until.ts";
import { findChromium, NotebookPage, screenshot } from "./browser.ts";
import { trainingCell } from "./cells.ts";
import { openTraining, recordedRun, showsTraining } from "./training-page.ts";

test("a training in the web notebook, watched and steered", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const { server, context, notebook, page, panel, press } = await openTraining(t, executable, {
    first: "1",
    training: trainingCell,
  });
  const below = notebook.outputs(1).locator(".cirlab-run");
  const said = panel.locator(".cirlab-run-said");
  const stepShown = async (): Promise<number> =>
    Number(/step (\d+)/.exec(await panel.locator(".cirlab-run-status").innerText())![1]);
  const recorded = () => recordedRun(server.root);

  await t.test("the panel opens with the run, and the same view stands under its cell", async () => {
    await notebook.run(0);
    await notebook.run(1);
    for (const place of [panel, below]) {
      await showsTraining(place);
      await place.locator('[data-metric="seconds"]', { hasText: /\d/ }).waitFor();
    }
    await screenshot(page, "live-training");
  });

  await t.test("it pauses between two steps, and says so", async () => {
    await press("Pause");
    await said.filter({ hasText: /Pause: done after step \d+/ }).waitFor();
    await below.locator(".cirlab-run-status", { hasText: "paused · step" }).waitFor();
    const { events } = await recorded();
    const command = events.findLast((event) => event.type === "command");
    assert.match(command!.by!, /^web notebook/);
  });

  await t.test(
    "a setting is changed on the way: bounds are checked, the run records it, the charts show it",
    async () => {
      await press("Settings…");
      const form = panel.locator(".cirlab-settings");
      await form.getByPlaceholder("Find a setting").fill("klCo");
      const field = form.locator('input[name="klCoef"]');
      assert.equal(await field.inputValue(), "0");
      await field.fill("-1");
      await form.locator(".cirlab-problem", { hasText: "at least 0" }).waitFor();
      assert.equal(await form.getByRole("button", { name: "Apply" }).isDisabled(), true);
      await field.fill("0.25");
      await form.getByRole("button", { name: "Apply" }).click();
      await said.filter({ hasText: /klCoef = 0.25: done after step \d+/ }).waitFor();
      const before = (await (await recorded()).run.timeline()).step;
      await press("Step");
      await panel.locator(".cirlab-run-status", { hasText: `paused · step ${before + 1} of` }).waitFor();
      const { events } = await recorded();
      const change = events.find((event) => event.type === "config");
      assert.deepEqual([change!.step, change!.changes], [before, { klCoef: 0.25 }]);
      // The new step was taken with the penalty: it measured the KL to a reference, which no step before had.
      const steps = stepsOf(events);
      assert.ok(steps.at(-1)!.metrics.refKl !== undefined && steps.at(-2)!.metrics.refKl === undefined);
      assert.equal(await field.inputValue(), "0.25");
      await screenshot(page, "live-setting");
      await form.getByPlaceholder("Find a setting").fill("promptsPerStep");
      await form.locator('input[name="promptsPerStep"]').fill("3");
      await form.getByRole("button", { name: "Apply" }).click();
      await said.filter({ hasText: /promptsPerStep = 3: refused: .*must be a multiple of miniBatches/ }).waitFor();
    },
  );

  await t.test("a checkpoint is marked, and the run goes back to it", async () => {
    await press("Settings…");
    await press("Mark…");
    await panel.getByLabel("Name of the mark").fill("before the storm");
    await panel.getByRole("button", { name: "Mark", exact: true }).click();
    await said.filter({ hasText: /Mark "before the storm": done/ }).waitFor();
    const marked = (await (await recorded()).run.timeline()).step;
    await press("Resume");
    await until(async () => (await stepShown()) >= marked + 3);
    await press("Rewind…");
    const option = panel.locator("option", { hasText: "before the storm" });
    await panel.getByLabel("Checkpoint").selectOption((await option.getAttribute("value"))!);
    await panel.getByRole("button", { name: "Rewind", exact: true }).click();
    await said.filter({ hasText: `Rewind to step ${marked}: done after step ${marked}` }).waitFor();
    const { events } = await recorded();
    assert.equal(events.find((event) => event.type === "rewound")!.step, marked);
    await until(async () => (await stepShown()) >= marked + 2);
  });

  await t.test("another page that shows the run tells of a step that is held, until it is released", async () => {
    await press("Pause");
    await panel.locator(".cirlab-run-status", { hasText: "paused · step" }).waitFor();
    await press("Rewind…");
    await panel.getByRole("button", { name: "Rewind", exact: true }).click();
    const back = panel.locator(".cirlab-run-said", { hasText: /Rewind to step \d+: done after step \d+/ });
    await back.waitFor();
    const gone = /\d+/.exec(await back.innerText())![0];
    const { id } = (await recorded()).run;
    const address = `${server.url}/tree#/${["runs", `runs/${id}`].map(encodeURIComponent).join("/")}`;
    const other = await NotebookPage.open(context, address);
    const held = other.page.locator(".cirlab-run-page .cirlab-run-held");
    await other.page.locator(".cirlab-run-page .cirlab-state", { hasText: "paused" }).waitFor();
    await held.waitFor({ state: "hidden" });
    assert.equal(await other.page.getByLabel("Step", { exact: true }).inputValue(), gone, "not a step left behind");
    await press("Hold");
    await held.getByText(/Step \d+ is collected and held/).waitFor();
    await screenshot(other.page, "live-held-elsewhere");
    await held.getByRole("button", { name: "Change its rollouts…" }).click();
    const form = other.page.locator(".cirlab-intervene");
    await form.getByText("Choose a rollout to change it.").waitFor();
    // Advantages are known with the update.
    const advantages = other.page.locator(".cirlab-row[data-place] > :nth-child(3)");
    await press("Step");
    await form.waitFor({ state: "hidden" });
    await advantages.filter({ hasText: /\d/ }).first().waitFor();
    await other.page.locator(".cirlab-explorer-head").getByText(id, { exact: true }).click();
    await other.page.locator(".cirlab-run-page .cirlab-state").waitFor();
    await held.waitFor({ state: "hidden" });
    assert.deepEqual(other.errors, []);
    await other.page.close({ runBeforeUnload: false });
    await press("Resume");
  });

  await t.test("metrics, log scale and smoothing are chosen for all charts and remembered", async () => {
    await panel.getByText("Metrics", { exact: true }).click();
    const choices = panel.locator(".cirlab-choices");
    for (const name of [
      "reward",
      "accuracy",
      "loss",
      "kl",
      "gradNorm",
      "responseLength",
      "toolCalls",
      "toolErrors",
      "seconds",
    ])
      await choices.locator(`input[value="${name}"]`).uncheck();
    await until(async () => (await panel.locator("canvas").count()) === 1);
    await until(async () => (await below.locator("canvas").count()) === 1);
    await choices.locator('input[value="passRate"]').check();
    await panel.getByLabel("Log scale").check();
    await panel.getByLabel("Smoothing").fill("0.8");
    await until(async () => (await below.locator("canvas").count()) === 2);
    await screenshot(page, "live-chosen");
    await choices.locator('input[value="reward"]').check();
    await panel.getByText("Metrics", { exact: true }).click();
  });

  await t.test("it stops, and nothing can be asked of it any more", async () => {
    await press("Stop");
    await panel.locator(".cirlab-run-status", { hasText: /stopped · step \d+/ }).waitFor();
    await said.filter({ hasText: "Nobody trains this run any more (stopped)." }).waitFor();
    assert.equal(await panel.getByRole("button", { name: "Pause" }).isDisabled(), true);
    assert.equal((await recorded()).events.at(-1)!.type, "run-finished");
  });

  await t.test("a page that comes later finds it all, in the dark theme too", async () => {
    await notebook.menu("Settings", "Theme", "JupyterLab Dark");
    await page.locator('body[data-jp-theme-light="false"]').waitFor({ state: "attached" });
    await notebook.menu("File", "Save Notebook");
    await notebook.reload();
    await below.locator(".cirlab-run-status", { hasText: "stopped · step" }).waitFor();
    await until(async () => (await below.locator("canvas").count()) === 3);
    await screenshot(page, "live-dark");
  });

  assert.deepEqual(notebook.errors, []);
});
