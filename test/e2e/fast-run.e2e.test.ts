import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fastMetrics, generatedRun, recordSteps, runNotebook } from "../server/fast-run.ts";
import { startServer } from "../server/server.ts";
import { findChromium, launchBrowser, NotebookPage, screenshot } from "./browser.ts";

const steps = 3000;

test("a page that follows a run of hundreds of steps a second ends up with its last values", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const server = await startServer(t, { kernelEnv: { ...process.env } });
  const run = await generatedRun(join(server.root, "runs"));
  await writeFile(join(server.root, "fast.ipynb"), runNotebook(run.id));
  const browser = await launchBrowser(t, executable);
  const context = await browser.newContext({ viewport: { width: 1500, height: 1000 } });
  const notebook = await NotebookPage.open(context, `${server.url}/notebooks/fast.ipynb?token=${server.token}`);
  const { page } = notebook;
  const narrow = await NotebookPage.open(context, `${server.url}/notebooks/fast.ipynb?token=${server.token}`);
  await narrow.page.setViewportSize({ width: 480, height: 900 });
  await run.acquire();
  try {
    run.append({ type: "run-started", step: 0, config: {}, count: steps });
    const panel = page.locator("#cirlab-live-panel");
    await panel.locator(".cirlab-run-status", { hasText: "step 0 of" }).waitFor();
    await recordSteps(run, steps);
    const alert = panel.locator(".cirlab-run-alerts li");
    for (let i = 1; i <= 201; i++) run.append({ type: "alert", step: Math.min(10 * i, 2000), text: `alert ${i}` });
    await alert.first().getByText("alert 201").waitFor();
    await panel.getByText("200 alerts or more").waitFor();
    // One more of the same step, when the page already keeps as many as it does.
    run.append({ type: "alert", step: 2000, text: "alert 202" });
    await alert.first().getByText("alert 202").waitFor();
    run.append({ type: "run-finished", step: steps, reason: "completed" });
    const { reward, responseLength } = fastMetrics(steps);
    for (const place of [panel, notebook.outputs(0).locator(".cirlab-run")]) {
      await place.locator(".cirlab-run-status", { hasText: `completed · step ${steps} of ${steps}` }).waitFor();
      await place.locator('[data-metric="reward"]', { hasText: reward!.toFixed(3) }).waitFor();
      await place.locator('[data-metric="responseLength"]', { hasText: responseLength!.toFixed(1) }).waitFor();
    }
    await screenshot(page, "fast-run");
    // Where it would leave the notebook no room, the panel opens only when it is asked for.
    await narrow.outputs(0).locator(".cirlab-run-status", { hasText: "completed" }).waitFor();
    assert.equal(await narrow.page.locator("#cirlab-live-panel").isVisible(), false);
    await screenshot(narrow.page, "fast-run-narrow");
    // Each page hears of the comms of the other, which it has not opened.
    const errors = [...notebook.errors, ...narrow.errors].filter((error) => !error.includes("Comm not found"));
    assert.deepEqual(errors, []);
  } finally {
    await run.release();
  }
});
