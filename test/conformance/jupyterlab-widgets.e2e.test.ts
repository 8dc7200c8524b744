import { join } from "node:path";
import { test } from "node:test";
import { findChromium, launchBrowser, NotebookPage, patienceMs } from "../e2e/browser.ts";
import { workWithWidgets, writeWidgetNotebook } from "../e2e/widgets.ts";
import { startJupyterServer } from "./jupyterServer.ts";
import { findPython, JupyterHome, missing } from "./python.ts";

/** JupyterLab, the widget manager and anywidget's front end. */
const needed = ["jupyterlab", "jupyterlab_widgets", "anywidget"];

test("widgets in JupyterLab", async (t) => {
  const chromium = findChromium();
  if (!chromium) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const python = findPython(...needed);
  if (!python) return t.skip(missing(...needed));
  const home = await JupyterHome.create(t);
  const file = join(home.folder, "widgets.ipynb");
  await writeWidgetNotebook(file);
  const { address, token } = await startJupyterServer(t, python, home);
  const browser = await launchBrowser(t, chromium);
  const context = await browser.newContext({ viewport: { width: 1400, height: 1600 } });
  context.setDefaultTimeout(patienceMs);
  const url = `${address}/lab/tree/widgets.ipynb?token=${token}`;
  const notebook = await NotebookPage.open(context, url, ".jp-NotebookPanel");
  await workWithWidgets(t, { notebook, file, name: "jupyterlab-widgets", hasKeys: false });
});
