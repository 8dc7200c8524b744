import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { startServer } from "../server/server.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs } from "./browser.ts";
import { workWithWidgets, writeWidgetNotebook } from "./widgets.ts";

test("widgets in the web notebook", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const server = await startServer(t);
  const file = join(server.root, "widgets.ipynb");
  await writeWidgetNotebook(file);
  const browser = await launchBrowser(t, executable);
  const context = await browser.newContext({ viewport: { width: 1200, height: 1000 } });
  context.setDefaultTimeout(patienceMs);
  const notebook = await NotebookPage.open(context, `${server.url}/notebooks/widgets.ipynb?token=${server.token}`);
  await workWithWidgets(t, { notebook, file, name: "widgets", hasKeys: true });
  assert.deepEqual(notebook.errors, []);
});
