import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commandFile, packageRoot } from "../../kernel/package.ts";
import { stepsOf } from "../../src/recording/index.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs, screenshot } from "../e2e/browser.ts";
import { trainingCell, writeCells } from "../e2e/cells.ts";
import { recordedRun, showsTraining } from "../e2e/training-page.ts";
import { kernelConnected, startJupyterServer } from "./jupyterServer.ts";
import { findPython, JupyterHome, missing } from "./python.ts";

test("a training in JupyterLab, watched and steered", async (t) => {
  const chromium = findChromium();
  if (!chromium) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const python = findPython("jupyterlab");
  if (!python) return t.skip(missing("jupyterlab"));
  if (!existsSync(join(packageRoot, "dist/labextension"))) return t.skip("the web parts are not built: npm run build");
  const home = await JupyterHome.create(t);
  await writeCells(join(home.folder, "training.ipynb"), { training: trainingCell });
  const installed = await home.run(process.execPath, [commandFile, "install", "--labextension"]);
  assert.equal(installed.exitCode, 0, installed.stderr);
  const server = await startJupyterServer(t, python, home);
  const browser = await launchBrowser(t, chromium);
  const context = await browser.newContext({ viewport: { width: 1500, height: 1000 } });
  context.setDefaultTimeout(patienceMs);
  const url = `${server.address}/lab/tree/training.ipynb?token=${server.token}`;
  const notebook = await NotebookPage.open(context, url, ".jp-NotebookPanel");
  const { page } = notebook;
  const panel = page.locator("#cirlab-live-panel");
  const below = notebook.outputs(0).locator(".cirlab-run");
  const said = panel.locator(".cirlab-run-said");
  const press = (name: string) => panel.getByRole("button", { name, exact: true }).click();
  const recorded = () => recordedRun(home.folder);

  await t.test("the panel opens with the run, and the same view stands under its cell", async () => {
    await kernelConnected(server);
    await notebook.run(0);
    for (const place of [panel, below]) {
      await showsTraining(place);
    }
    await screenshot(page, "jupyterlab-training");
  });

  await t.test("it pauses between two steps, and the run records who asked", async () => {
    await press("Pause");
    await said.filter({ hasText: /Pause: done after step \d+/ }).waitFor();
    await below.locator(".cirlab-run-status", { hasText: "paused · step" }).waitFor();
    const { events } = await recorded();
    const command = events.findLast((event) => event.type === "command");
    assert.deepEqual([command!.command, command!.by], [{ type: "pause" }, "JupyterLab"]);
  });

  await t.test("a setting is changed on the way, has its effect and is recorded", async () => {
    await press("Settings…");
    const form = panel.locator(".cirlab-settings");
    await form.getByPlaceholder("Find a setting").fill("klCo");
    await form.locator('input[name="klCoef"]').fill("0.25");
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
    await screenshot(page, "jupyterlab-setting");
  });

  await t.test("a page that loads anew finds the run as it stands, and goes on with it", async () => {
    await notebook.menu("Settings", "Theme", "JupyterLab Dark");
    await page.locator('body[data-jp-theme-light="false"]').waitFor({ state: "attached" });
    await notebook.menu("File", "Save Notebook");
    await notebook.reload();
    await panel.locator(".cirlab-run-status", { hasText: "paused · step" }).waitFor();
    await below.locator(".cirlab-run-status", { hasText: "paused · step" }).waitFor();
    await press("Resume");
    await said.filter({ hasText: /Resume: done after step \d+/ }).waitFor();
    await press("Stop");
    await panel.locator(".cirlab-run-status", { hasText: /stopped · step \d+/ }).waitFor();
    assert.equal((await recorded()).events.at(-1)!.type, "run-finished");
    await screenshot(page, "jupyterlab-dark");
  });

  await t.test("where the kernel starts anew, the panel loads the lab into it and shows what is on disk", async () => {
    await notebook.menu("Kernel", "Restart Kernel…");
    await notebook.accept();
    await panel.locator(".cirlab-run-status", { hasText: "has not loaded cirlab" }).waitFor();
    await kernelConnected(server);
    const tab = page.locator(".jp-SideBar.jp-mod-right .lm-TabBar-tab", {
      has: page.locator('[data-icon="cirlab:lab"]'),
    });
    await tab.first().click();
    await tab.first().click();
    await panel.locator(".cirlab-run-text", { hasText: /^stopped · step \d+ of 100000$/ }).waitFor();
  });

  await t.test("the run browser leads from the list to the run, to a step's rollouts and to a token", async () => {
    await notebook.menu("View", "Training Runs");
    const browser = page.locator("#cirlab-runs");
    const row = browser.locator("tbody tr");
    await row.locator(".cirlab-state", { hasText: "stopped" }).waitFor();
    assert.equal(await row.count(), 1);
    await screenshot(page, "jupyterlab-runs-list");
    await row.locator(".cirlab-run-name button").click();
    await browser.locator("canvas").first().waitFor();
    await browser.locator(".cirlab-events li", { hasText: "settings changed: klCoef 0.25" }).waitFor();
    // It is removed where somebody also sees its files.
    assert.equal(await browser.getByRole("button", { name: "Remove…" }).count(), 0);
    await screenshot(page, "jupyterlab-runs-run");
    await browser.getByRole("button", { name: "Rollouts" }).click();
    await browser.locator('.cirlab-row[data-place="0/1"]').click();
    await browser.locator(".cirlab-rollout .cirlab-token").first().waitFor();
    await screenshot(page, "jupyterlab-runs-rollout");
    await browser.getByRole("button", { name: "Runs", exact: true }).click();
    await row.first().waitFor();
  });

  assert.deepEqual(
    notebook.errors.filter((error) => /cirlab/.test(error)),
    [],
  );
});
