import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { commandFile, packageRoot } from "../../kernel/package.ts";
import { rolloutsMimeType } from "../../src/display/rollout-view.ts";
import { recordedRolloutViews } from "../../src/recording/index.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs, screenshot } from "../e2e/browser.ts";
import { makeRun } from "../server/recorded-runs.ts";
import { startJupyterServer } from "./jupyterServer.ts";
import { findPython, JupyterHome, missing } from "./python.ts";

const saved = "saved table";

test("the viewer of rollouts in JupyterLab", async (t) => {
  const chromium = findChromium();
  if (!chromium) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const python = findPython("jupyterlab");
  if (!python) return t.skip(missing("jupyterlab"));
  if (!existsSync(join(packageRoot, "dist/labextension"))) return t.skip("the web parts are not built: npm run build");
  const home = await JupyterHome.create(t);
  const run = await makeRun(join(home.folder, "runs"), "seen", 1);
  await run.close();
  const rollouts = await recordedRolloutViews(run.folder, 1);
  const data = {
    "text/plain": "rollouts",
    "text/html": `<p>${saved}</p>`,
    [rolloutsMimeType]: { title: "Three rollouts", rollouts },
  };
  const outputs = [{ output_type: "execute_result", execution_count: 1, metadata: {}, data }];
  const cell = { cell_type: "code", id: "c", source: "batch", metadata: {}, execution_count: 1, outputs };
  const metadata = { kernelspec: { name: "cirlab", display_name: "TypeScript (CIR Lab)", language: "typescript" } };
  const file = join(home.folder, "rollouts.ipynb");
  await writeFile(file, JSON.stringify({ cells: [cell], metadata, nbformat: 4, nbformat_minor: 5 }));

  const { exitCode, stdout, stderr } = await home.run(process.execPath, [commandFile, "install", "--labextension"]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /extension for JupyterLab in .*labextensions.cirlab/);
  const listed = await home.run(python, ["-m", "jupyterlab.labextensions", "list"]);
  assert.match(listed.stdout + listed.stderr, /cirlab v\d+\.\d+\.\d+ enabled OK/);

  const { address, token } = await startJupyterServer(t, python, home);
  const browser = await launchBrowser(t, chromium);
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(patienceMs);
  const notebook = await NotebookPage.open(
    context,
    `${address}/lab/tree/rollouts.ipynb?token=${token}`,
    ".jp-NotebookPanel",
  );
  const viewer = notebook.outputs(0);
  await viewer.locator('.cirlab-row[data-place="0/1"]').click();
  await viewer.locator(".cirlab-rollout").waitFor();
  await viewer.getByLabel("Colour by").selectOption("advantage");
  const tinted = viewer.locator('.cirlab-token[data-token="7"]');
  assert.match(await tinted.evaluate((node) => node.style.backgroundColor), /^rgba\(0, 114, 178/);
  await tinted.hover();
  await notebook.page.locator(".cirlab-token-card", { hasText: "advantage" }).waitFor();
  await screenshot(notebook.page, "jupyterlab-rollouts");
  await viewer.locator(".cirlab-rollout").press("Escape");
  await viewer.locator(".cirlab-group-column").nth(1).waitFor();
  assert.equal(await viewer.getByText(saved).count(), 0);
  assert.deepEqual(
    notebook.errors.filter((error) => /cirlab/.test(error)),
    [],
  );
});
