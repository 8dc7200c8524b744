import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startServer } from "../server/server.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs, screenshot } from "./browser.ts";
import { writeCells } from "./cells.ts";

const cells = {
  base: "let base = 1;",
  next: "const next = base + 1;",
  shown: "next * 100",
  free: '"nothing to do with it"',
};
const indexOf = (name: keyof typeof cells): number => Object.keys(cells).indexOf(name);

test("stale cells and scripts in Chromium", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const server = await startServer(t);
  const file = join(server.root, "hygiene.ipynb");
  await writeCells(file, cells);
  const browser = await launchBrowser(t, executable);
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 } });
  context.setDefaultTimeout(patienceMs);
  const notebook = await NotebookPage.open(context, `${server.url}/notebooks/hygiene.ipynb?token=${server.token}`);
  const { page } = notebook;
  const mark = (name: keyof typeof cells) => notebook.cell(indexOf(name)).locator(".cirlab-stale");
  const runStale = page.locator(".jp-NotebookPanel-toolbar").getByRole("button", { name: /^Run \d+ stale$/ });

  await t.test("an edited cell and all that use it are marked, with the reason in words", async () => {
    await notebook.kernelIdle();
    for (const name of Object.keys(cells) as (keyof typeof cells)[]) await notebook.run(indexOf(name));
    assert.equal(await page.locator(".cirlab-stale").count(), 0);
    assert.equal(await runStale.isVisible(), false);
    await notebook.write(indexOf("base"), "let base = 5;");
    await mark("shown").waitFor();
    assert.match((await mark("base").getAttribute("title"))!, /Edited since it ran/);
    assert.match((await mark("shown").getAttribute("title"))!, /Uses `next` of cell \[2\], which is stale/);
    assert.equal(await mark("free").count(), 0);
    assert.equal(await runStale.getAttribute("aria-label"), "Run 3 stale");
    await screenshot(page, "stale");
  });

  await t.test("the marks survive a reload of the page, and one press runs what is stale and no more", async () => {
    await page.keyboard.press("Escape");
    // The second one must not take the first one's file for somebody else's: the page's console would show a conflict.
    for (let i = 0; i < 2; i++) await page.keyboard.press("Control+s");
    await until(async () => (await readFile(file, "utf8")).includes("let base = 5;"));
    assert.deepEqual(notebook.errors, []);
    await notebook.reload();
    await page.getByRole("button", { name: "Run 3 stale" }).click();
    await notebook.outputs(indexOf("shown")).filter({ hasText: "600" }).waitFor();
    await page.locator(".cirlab-stale").first().waitFor({ state: "detached" });
    assert.equal(await notebook.prompt(indexOf("free"), /\[4\]/).count(), 1);
    await runStale.waitFor({ state: "hidden" });
  });

  await t.test("a restart forgets", async () => {
    await notebook.run(indexOf("base"));
    await mark("next").waitFor();
    await notebook.menu("Kernel", "Restart Kernel…");
    await notebook.accept();
    await mark("next").waitFor({ state: "detached" });
  });

  await t.test("run again and compare marks the cells that give something else", async () => {
    await notebook.write(indexOf("free"), "Math.random()");
    for (const name of Object.keys(cells) as (keyof typeof cells)[]) await notebook.start(indexOf(name));
    await notebook.outputs(indexOf("shown")).filter({ hasText: /^600$/ }).waitFor();
    await notebook
      .outputs(indexOf("free"))
      .filter({ hasText: /^0\.\d/ })
      .waitFor();
    await notebook.menu("Run", "Restart Kernel, Run All Cells and Compare…");
    await notebook.accept();
    const differs = page.locator(".cirlab-differs");
    await differs.waitFor();
    await page.locator(".Toastify__toast", { hasText: "1 of 4 cells differ." }).waitFor();
    await screenshot(page, "compared");
    assert.equal(await differs.count(), 1);
    const title = await notebook.cell(indexOf("free")).locator(".cirlab-differs").getAttribute("title");
    assert.match(title!, /text\/plain of output 1 differs: it was "0\.\d+", now it is "0\.\d+"/);
    await notebook.run(indexOf("free"));
    assert.equal(await differs.count(), 0);
  });

  await t.test("a paired notebook is saved as a script too, whose edits are offered", async () => {
    await notebook.menu("File", "Pair with a TypeScript File");
    const script = join(server.root, "hygiene.ts");
    const text = await until(() => readFile(script, "utf8").catch(() => undefined));
    assert.match(text, /\n\/\/ %%\nlet base = 5;\n/);
    // The script is written first; before the notebook is, an edit would be a conflict of the two.
    await until(async () => (await readFile(file, "utf8")).includes('"jupytext"'));
    await writeFile(script, text.replace("next * 100", "next * 1000"));
    const other = await context.newPage();
    await other.bringToFront();
    await page.bringToFront();
    const offer = page.locator(".jp-Dialog", { hasText: "hygiene.ts was edited" });
    // One that comes while the page still looks after its save is passed over.
    await until(async () => {
      await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
      await offer.waitFor({ timeout: 2000 }).catch(() => undefined);
      return offer.isVisible();
    });
    await screenshot(page, "script-edited");
    await notebook.accept();
    await notebook.cell(indexOf("shown")).filter({ hasText: "next * 1000" }).waitFor();
    await other.close();
  });

  await t.test("a script opens as a notebook", async () => {
    const opened = await NotebookPage.open(context, `${server.url}/notebooks/hygiene.ts?factory=Notebook+from+Script`);
    await opened.cell(0).filter({ hasText: "let base = 5;" }).waitFor();
    assert.equal(await opened.page.locator(".jp-Notebook .jp-Cell").count(), 4);
    await screenshot(opened.page, "script-notebook");
    assert.deepEqual(opened.errors, []);
  });

  await t.test("the page's console showed no error", () => {
    // While the page was away, for a restart of its kernel, the server may have saved: then its next save joins the two.
    assert.deepEqual(
      notebook.errors.filter((error) => !/409/.test(error)),
      [],
    );
  });
});
