import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startServer } from "../server/server.ts";
import { findChromium, launchBrowser, NotebookPage } from "./browser.ts";

test("a file is shown in its page by the viewer that the address names, or by the editor", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const server = await startServer(t);
  await writeFile(join(server.root, "x.md"), "# Hello\n\nA *text*.\n");
  const context = await (await launchBrowser(t, executable)).newContext();
  const open = (query: string) => NotebookPage.open(context, `${server.url}/edit/x.md?${query}token=${server.token}`);
  const preview = await open("factory=Markdown%20Preview&");
  await preview.page.locator("#main-panel .jp-MarkdownViewer h1", { hasText: "Hello" }).waitFor();
  const editor = await open("");
  await editor.page.locator("#main-panel .cm-content", { hasText: "# Hello" }).waitFor();
  assert.deepEqual([...preview.errors, ...editor.errors], []);
});
