import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startServer, type TestServer } from "../server/server.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NotebookPage, screenshot } from "./browser.ts";
import { writeCells } from "./cells.ts";

const cells = {
  first: "1 + 1",
  training: `import { display, progress } from "cirlab/kernel";
const stop = (globalThis as any).stop = { now: false };
for await (const step of progress(Array.from({ length: 10_000 }, (_, i) => i))) {
  if (step % 5 === 0) console.log("step " + step);
  await new Promise((passed) => setTimeout(passed, 40));
  if (require("node:fs").existsSync("stop")) break;
}
"training is over"`,
  last: "3 + 3",
};
const names = Object.keys(cells) as (keyof typeof cells)[];
const indexOf = (name: keyof typeof cells): number => names.indexOf(name);

interface Saved {
  id: string;
  source: string | string[];
  execution_count: number | null;
  outputs: { output_type: string; text?: string | string[] }[];
}

async function read(file: string): Promise<Record<string, Saved>> {
  const notebook = JSON.parse(await readFile(file, "utf8")) as { cells: Saved[] };
  return Object.fromEntries(notebook.cells.map((cell) => [cell.id, cell]));
}

const sourceOf = (cell: Saved): string => [cell.source].flat().join("");
const printed = (cell: Saved): string => cell.outputs.map(({ text = "" }) => [text].flat().join("")).join("");

/** The last number that a cell of a page printed. */
async function lastStep(page: NotebookPage): Promise<number> {
  const text = await page.cell(indexOf("training")).locator(".jp-OutputArea").innerText();
  return Number([...text.matchAll(/step (\d+)/g)].at(-1)?.[1] ?? -1);
}

/** What the page's console may say: a comm of another tab's widgets, and a save that was refused so that it can be joined. */
const isOwnError = (error: string): boolean => !/Comm not found|409/.test(error);

const chromium = findChromium();

test("a notebook's document", { skip: chromium ? false : "no Chromium" }, async (t) => {
  const server: TestServer = await startServer(t);
  const file = join(server.root, "a.ipynb");
  await writeCells(file, cells);
  const browser = await launchBrowser(t, chromium!);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const url = (path: string): string => `${server.url}/notebooks/${path}?token=${server.token}`;
  const training = indexOf("training");

  await t.test("completes itself while no page is open", async () => {
    const page = await NotebookPage.open(context, url("a.ipynb"));
    await page.kernelIdle();
    await page.start(training);
    await until(async () => (await lastStep(page)) >= 5);
    assert.deepEqual(page.errors.filter(isOwnError), []);
    await page.page.close({ runBeforeUnload: false });
    const before = await until(async () => printed((await read(file)).training!).match(/step (\d+)/)?.[1]);
    await until(async () => printed((await read(file)).training!).includes(`step ${Number(before) + 15}`));
    assert.equal((await read(file)).training!.execution_count, null);
  });

  await t.test("shows a page that opens the cell that runs, its bar moving, and its end; two pages alike", async () => {
    const page = await NotebookPage.open(context, url("a.ipynb"));
    await page.prompt(training, /\[\*\]/).waitFor();
    const seen = await lastStep(page);
    assert.ok(seen > 0);
    await until(async () => (await lastStep(page)) > seen + 10);
    const text = await page.cell(training).locator(".jp-OutputArea").innerText();
    const steps = [...text.matchAll(/step (\d+)/g)].map(([, step]) => Number(step));
    assert.deepEqual(
      steps,
      Array.from({ length: steps.length }, (_, i) => 5 * i),
      "nothing is lost or doubled",
    );
    const bars = page.cell(training).locator(".jp-OutputArea-output", { hasText: /\d+\s*\/\s*10.?000/ });
    assert.equal(await bars.count(), 1, "the bar is one output");
    const bar = await bars.innerText();
    await until(async () => (await bars.innerText()) !== bar);
    await screenshot(page.page, "documents-reopened");

    const second = await NotebookPage.open(context, url("a.ipynb"));
    await second.prompt(training, /\[\*\]/).waitFor();
    await writeFile(join(server.root, "stop"), "");
    await page.ended(training);
    await second.ended(training);
    for (const tab of [page, second])
      assert.match(await tab.cell(training).locator(".jp-OutputArea").innerText(), /training is over/);
    await page.run(indexOf("first"));
    await second.ended(indexOf("first"));
    assert.equal((await second.outputs(indexOf("first")).innerText()).trim(), "2");
    assert.deepEqual(second.errors.filter(isOwnError), []);
    await second.page.close({ runBeforeUnload: false });
    assert.deepEqual(page.errors.filter(isOwnError), []);
    await page.page.close({ runBeforeUnload: false });
    const done = await until(async () => {
      const saved = await read(file);
      return saved.training!.execution_count !== null && saved.first!.execution_count !== null ? saved : undefined;
    });
    assert.match(JSON.stringify(done.training!.outputs), /training is over/);
  });

  await t.test(
    "takes changes on disk over at once, and joins edits of two tabs, asking where both edited one cell",
    async () => {
      await writeCells(join(server.root, "b.ipynb"), { one: "1", two: "2", three: "3" });
      const other = join(server.root, "b.ipynb");
      const told: string[] = [];
      context.once("page", (page) =>
        page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => told.push(String(payload)))),
      );
      const [a, b] = [
        await NotebookPage.open(context, url("b.ipynb")),
        await NotebookPage.open(context, url("b.ipynb")),
      ];
      await a.kernelIdle();
      await writeCells(other, { one: "1", two: "2 // by another program", three: "3" });
      await a.cell(1).getByText("by another program").waitFor();
      await b.cell(1).getByText("by another program").waitFor();

      await b.write(2, "3 // edited in b");
      await a.write(0, "1 // edited in a");
      // The answer to its save reaches the first page when the file has changed again.
      let answer: () => void = () => undefined;
      const isTime = new Promise<void>((resolve) => {
        answer = resolve;
      });
      await a.page.route(/\/api\/contents\/b\.ipynb/, async (route) => {
        if (route.request().method() !== "PUT") return route.continue();
        const response = await route.fetch();
        await isTime;
        await route.fulfill({ response });
      });
      await a.page.keyboard.press("Control+s");
      await b.cell(0).getByText("edited in a").waitFor();
      assert.match(await b.cell(2).innerText(), /edited in b/);
      await b.page.keyboard.press("Control+s");
      await until(async () => sourceOf((await read(other)).three!).includes("edited in b"));
      const { last_modified: last } = (await (await server.api("GET", "/api/contents/b.ipynb?content=0")).json()) as {
        last_modified: string;
      };
      await until(() => told.some((event) => event.includes(last)));
      answer();
      await a.cell(2).getByText("edited in b").waitFor();
      await a.page.unroute(/\/api\/contents\/b\.ipynb/);
      const saved = await until(async () => {
        const now = await read(other);
        return sourceOf(now.three!).includes("edited in b") ? now : undefined;
      });
      assert.equal(sourceOf(saved.one!), "1 // edited in a");

      // Both edit the same cell: the one that is behind is asked.
      await b.write(1, "2 // b has it so");
      await a.write(1, "2 // a has it so");
      await a.page.keyboard.press("Control+s");
      const dialog = b.page.locator(".jp-Dialog");
      await dialog.waitFor();
      await screenshot(b.page, "documents-conflict");
      assert.match(await dialog.innerText(), /a has it so/);
      assert.match(await dialog.innerText(), /b has it so/);
      await b.page.setViewportSize({ width: 320, height: 600 });
      const overhang = dialog.locator(".cirlab-conflicts").evaluate((body) => body.scrollWidth - body.clientWidth);
      assert.equal(await overhang, 0, "in a narrow window nothing stands out sideways");
      await b.page.setViewportSize({ width: 1280, height: 900 });
      await b.accept();
      await b.page.keyboard.press("Control+s");
      const both = await until(async () => {
        const text = await readFile(other, "utf8");
        return text.includes("b has it so") ? text : undefined;
      });
      assert.match(both, /a has it so/);
      await a.page.locator(".jp-Notebook .jp-Cell").nth(3).waitFor();
      assert.deepEqual([...a.errors, ...b.errors].filter(isOwnError), []);
    },
  );

  await t.test("takes what a cell has just put out here for newer than what the file says", async () => {
    const saved = join(server.root, "c.ipynb");
    const source = 'console.log("from this page")';
    await writeCells(saved, { one: source });
    const page = await NotebookPage.open(context, url("c.ipynb"));
    await page.kernelIdle();
    let release: () => void = () => undefined;
    const isTime = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.page.route(/\/api\/contents\/c\.ipynb/, async (route) => {
      if (route.request().method() === "PUT") await isTime;
      await route.continue();
    });
    const saving = page.page.waitForRequest((request) => request.method() === "PUT");
    await page.run(0);
    await saving;
    const notebook = JSON.parse(await readFile(saved, "utf8")) as { cells: Saved[] };
    const outputs = [{ output_type: "stream", name: "stdout", text: "from an earlier run\n" }];
    notebook.cells = notebook.cells.map((cell) => ({ ...cell, outputs, execution_count: 7 }));
    await writeFile(saved, JSON.stringify(notebook));
    release();
    const one = await until(async () => {
      const now = (await read(saved)).one!;
      return now.execution_count === 1 ? now : undefined;
    });
    assert.equal(printed(one), "from this page\n");
    assert.equal(await page.page.locator(".jp-Dialog").count(), 0);
    assert.deepEqual(page.errors.filter(isOwnError), []);
  });
});
