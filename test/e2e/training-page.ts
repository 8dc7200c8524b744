import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { type RecordedEvent, Run } from "../../src/recording/index.ts";
import { startServer, type TestServer } from "../server/server.ts";
import { launchBrowser, NotebookPage, patienceMs } from "./browser.ts";
import { writeCells } from "./cells.ts";

/** A page on a notebook that trains, with its live panel. */
export interface TrainingPage {
  server: TestServer;
  context: BrowserContext;
  notebook: NotebookPage;
  page: Page;
  panel: Locator;
  /** Presses a button of the panel. */
  press(name: string): Promise<void>;
}

/** Opens a notebook with these cells in a server and a browser of its own. */
export async function openTraining(
  t: TestContext,
  executable: string,
  cells: Readonly<Record<string, string>>,
): Promise<TrainingPage> {
  const server = await startServer(t, { kernelEnv: { ...process.env } });
  await writeCells(join(server.root, "training.ipynb"), cells);
  const browser = await launchBrowser(t, executable);
  const context = await browser.newContext({ viewport: { width: 1500, height: 1000 } });
  context.setDefaultTimeout(patienceMs);
  const notebook = await NotebookPage.open(context, `${server.url}/notebooks/training.ipynb?token=${server.token}`);
  const { page } = notebook;
  const panel = page.locator("#cirlab-live-panel");
  const press = (name: string) => panel.getByRole("button", { name, exact: true }).click();
  return { server, context, notebook, page, panel, press };
}

/** The first run recorded below a folder, and what it has recorded by now. */
export async function recordedRun(folder: string): Promise<{ run: Run; events: RecordedEvent[] }> {
  const [id] = await readdir(join(folder, "runs"));
  const run = await Run.open(join(folder, "runs", id!));
  return { run, events: await run.events() };
}

/** Until a view of the run of `trainingCell` shows a few of its steps, how long they take, and its charts. */
export async function showsTraining(view: Locator): Promise<void> {
  await view
    .locator(".cirlab-run-status", { hasText: /step ([3-9]|[1-9]\d+) of 100000 · .* a step · about .* left/ })
    .waitFor();
  assert.ok((await view.locator("canvas").count()) >= 8);
  await view.locator('[data-metric="reward"]', { hasText: /\d/ }).waitFor();
}
