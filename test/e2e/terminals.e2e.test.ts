import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { notebook, startServer, type TestServer } from "../server/server.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs, screenshot } from "./browser.ts";

/** What a terminal shows, as it is read to who cannot see it: what is seen is a drawing. */
const rows = (page: Page): Promise<string> => page.locator(".jp-Terminal .xterm-accessibility-tree").innerText();

async function type(page: Page, text: string): Promise<void> {
  await page.locator(".jp-Terminal .xterm-screen").click();
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
}

/** Name and text of the file that a menu item lets the browser save. */
async function exported(opened: NotebookPage, format: string): Promise<[string, string]> {
  const saving = opened.page.waitForEvent("download");
  await opened.menu("File", "Save and Export Notebook As", format);
  const download = await saving;
  return [download.suggestedFilename(), await readFile(await download.path(), "utf8")];
}

async function open(server: TestServer, context: BrowserContext, path: string): Promise<NotebookPage> {
  return NotebookPage.open(context, `${server.url}${path}?token=${server.token}`);
}

test("terminals and export in Chromium", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const server = await startServer(t);
  const kernelspec = { name: "cirlab", display_name: "TypeScript (CIR Lab)", language: "typescript" };
  const content = { ...notebook("const answer = 42;"), metadata: { kernelspec } };
  await writeFile(join(server.root, "a.ipynb"), JSON.stringify(content));
  const raw = JSON.stringify({ screenReaderMode: true });
  assert.equal(
    (await server.api("PUT", "/lab/api/settings/@jupyterlab/terminal-extension:plugin", { raw })).status,
    204,
  );
  const browser = await launchBrowser(t, executable);
  const context = await browser.newContext({ viewport: { width: 1100, height: 760 }, acceptDownloads: true });
  context.setDefaultTimeout(patienceMs);

  await t.test("a new terminal opens on a page of its own, and shows the same after a reload", async () => {
    const tree = await open(server, context, "/tree");
    const opening = context.waitForEvent("page");
    await tree.menu("File", "New", "Terminal");
    const terminal = await NotebookPage.of(await opening);
    await terminal.page.locator(".jp-Terminal .xterm-screen").waitFor();
    assert.equal(new URL(terminal.page.url()).pathname, "/terminals/1");
    assert.equal(await terminal.page.title(), "Terminal 1");
    await type(terminal.page, "echo $((6*7)) $TERM");
    await until(async () => (await rows(terminal.page)).includes("42 xterm-256color"));
    await screenshot(terminal.page, "terminal");
    await terminal.page.emulateMedia({ colorScheme: "dark" });
    await terminal.reload();
    await until(async () => (await rows(terminal.page)).includes("42 xterm-256color"));
    await type(terminal.page, "exit");
    await until(async () => ((await (await server.api("GET", "/api/terminals")).json()) as unknown[]).length === 0);
    assert.deepEqual(terminal.errors, []);
    await terminal.page.close();
    await tree.page.close();
  });

  await t.test("a notebook is saved as a page and as a program", async () => {
    const page = await open(server, context, "/notebooks/a.ipynb");
    await page.kernelIdle();
    const [name, html] = await exported(page, "HTML");
    assert.equal(name, "a.html");
    assert.match(html, /<span class="hljs-keyword">const<\/span> answer/);
    const [script, text] = await exported(page, "Executable Script");
    assert.equal(script, "a.ts");
    assert.match(text, /\/\/ %%\nconst answer = 42;/);
    await page.page.close();
  });
});
