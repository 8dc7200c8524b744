import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { findChromium, launchBrowser, NotebookPage, patienceMs, screenshot } from "../e2e/browser.ts";
import { stepperCell, writeCells } from "../e2e/cells.ts";
import { until } from "../until.ts";
import { kernelConnected, startJupyterServer } from "./jupyterServer.ts";
import { findPython, JupyterHome, missing } from "./python.ts";

/** JupyterLab, the widget manager and anywidget's front end. */
const needed = ["jupyterlab", "jupyterlab_widgets", "anywidget"];

test("the stepper in JupyterLab", async (t) => {
  const chromium = findChromium();
  if (!chromium) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const python = findPython(...needed);
  if (!python) return t.skip(missing(...needed));
  const home = await JupyterHome.create(t);
  const file = join(home.folder, "steps.ipynb");
  await writeCells(file, { stepper: stepperCell });
  const server = await startJupyterServer(t, python, home);
  const browser = await launchBrowser(t, chromium);
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
  context.setDefaultTimeout(patienceMs);
  const url = `${server.address}/lab/tree/steps.ipynb?token=${server.token}`;
  const notebook = await NotebookPage.open(context, url, ".jp-NotebookPanel");
  await kernelConnected(server);
  await notebook.run(0);
  const stepper = notebook.outputs(0).locator(".cir-stepper");
  const press = (name: string) => stepper.getByRole("button", { name, exact: true }).click();
  const caption = (text: RegExp) => stepper.locator(".cir-caption", { hasText: text }).first().waitFor();
  const column = stepper.locator(".cir-column").first();
  const tokens = column.locator(".cir-token");

  await tokens.first().waitFor();
  const prompt = await tokens.count();
  for (let i = 0; i < 3; i++) await press("Next token");
  await until(async () => (await tokens.count()) === prompt + 3);
  await press("Likely tokens");
  await stepper.locator(".cir-candidates button").nth(1).click();
  await caption(/^fork 1 · /);
  assert.equal(await stepper.locator(".cir-column").count(), 2);
  assert.equal(await column.locator(".cir-forced").count(), 1);

  // The output comes again with a new picture for the saved notebook; what somebody is writing stays.
  await tokens.nth(prompt + 1).click();
  await press("Force another…");
  await stepper.locator("textarea").fill("\n```python\nprint(6 * 7)\n```");
  await until(async () => {
    await notebook.menu("File", "Save Notebook");
    return /fork 1 · task/.test(await readFile(file, "utf8"));
  });
  assert.equal(await stepper.locator("textarea").inputValue(), "\n```python\nprint(6 * 7)\n```");
  await press("Force it in a fork");
  await caption(/^fork 2 · .*code waits to be executed/);
  await press("Next turn");
  await caption(/^fork 2 · .*1 tool calls/);
  await column.getByText("Turn 1: ok").click();
  assert.equal(await column.locator(".cir-output").innerText(), "42");

  await column.getByRole("button", { name: "Edit code…" }).click();
  await stepper.locator("textarea").fill("print(6 * 9)");
  await press("Go on with it in a fork");
  await caption(/^fork 3 · .*code waits to be executed/);
  await press("Next turn");
  await caption(/^fork 3 · .*1 tool calls/);
  await column.getByText("Turn 1: ok").click();
  assert.equal(await column.locator(".cir-output").innerText(), "54");
  await screenshot(notebook.page, "jupyterlab-stepper");
});
