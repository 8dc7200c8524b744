import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startServer } from "../server/server.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs, screenshot } from "./browser.ts";

const source = `function area(width: number, height: number): number {
  const product = width * height;
  return product;
}
area(6, 7)`;

const notebookText = JSON.stringify({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { kernelspec: { name: "cirlab", display_name: "TypeScript (CIR Lab)", language: "typescript" } },
  cells: [{ id: "only", cell_type: "code", metadata: {}, outputs: [], execution_count: null, source }],
});

test("a breakpoint in the web notebook stops the cell, and it goes on", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const server = await startServer(t);
  await writeFile(join(server.root, "stop.ipynb"), notebookText);
  const browser = await launchBrowser(t, executable);
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
  context.setDefaultTimeout(patienceMs);
  const notebook = await NotebookPage.open(context, `${server.url}/notebooks/stop.ipynb?token=${server.token}`);
  const { page } = notebook;
  await notebook.kernelIdle();
  // The gutter for breakpoints comes with the debugger; its first element is no line. A click that comes before the page
  // knows that the kernel can debug does nothing.
  const line = page.locator(".jp-CodeCell .cm-breakpoint-gutter .cm-gutterElement").nth(3);
  await until(async () => {
    await page.locator(".jp-DebuggerBugButton").click();
    await line.waitFor({ timeout: 4000 }).catch(() => undefined);
    return line.isVisible();
  });
  await line.click();
  await notebook.start(0);
  await page.getByText("Paused in Debugger").waitFor();
  assert.match(await page.locator(".jp-DebuggerEditor-highlight").innerText(), /return product/);
  await screenshot(page, "debugger");
  await page.keyboard.press("F9");
  await notebook.ended(0);
  assert.equal((await page.locator(".jp-OutputArea-output").first().innerText()).trim(), "42");
  assert.deepEqual(notebook.errors, []);
});
