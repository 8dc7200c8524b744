import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startServer } from "../server/server.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs } from "./browser.ts";
import { writeCells } from "./cells.ts";

const chromium = findChromium();
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("files in Chromium", { skip: chromium ? false : "no Chromium" }, async (t) => {
  const server = await startServer(t);
  await writeFile(join(server.root, "plain.txt"), "first line\n");
  await writeCells(join(server.root, "old.ipynb"), { product: "6 * 7" });
  const browser = await launchBrowser(t, chromium!);
  const context = await browser.newContext({ viewport: { width: 1100, height: 760 }, acceptDownloads: true });
  context.setDefaultTimeout(patienceMs);
  const tree = await NotebookPage.open(context, `${server.url}/tree?token=${server.token}`);
  const { page } = tree;
  const item = (name: string) => page.locator(".jp-DirListing-item", { hasText: name });

  await t.test("large and small files are uploaded as they are", async () => {
    // More than one megabyte goes in several pieces.
    const files = [
      { name: "large.bin", mimeType: "application/octet-stream", buffer: randomBytes(3_500_000) },
      { name: "größe 1.txt", mimeType: "text/plain", buffer: Buffer.from("ä\n") },
    ];
    const choosing = page.waitForEvent("filechooser");
    await page.locator('[data-jp-item-name="uploader"]').click();
    await (await choosing).setFiles(files);
    for (const { name, buffer } of files) {
      await item(name).waitFor();
      await until(async () => {
        const bytes = await readFile(join(server.root, name)).catch(() => undefined);
        return bytes !== undefined && hash(bytes) === hash(buffer);
      });
    }
  });

  await t.test("a file is renamed in the list, and a name that is taken is not overwritten", async () => {
    const rename = async (from: string, to: string): Promise<void> => {
      await item(from).click();
      await page.keyboard.press("F2");
      await page.locator("input.jp-DirListing-editor").fill(to);
      await page.keyboard.press("Enter");
    };
    await rename("plain.txt", "renamed.txt");
    await item("renamed.txt").waitFor();
    await until(async () => (await readdir(server.root)).includes("renamed.txt"));
    assert.equal(await readFile(join(server.root, "renamed.txt"), "utf8"), "first line\n");
    assert.ok(!(await readdir(server.root)).includes("plain.txt"));
    await rename("renamed.txt", "old.ipynb");
    const dialog = page.locator(".jp-Dialog");
    await dialog.waitFor();
    await dialog.locator(".jp-mod-reject").first().click();
    assert.equal(await readFile(join(server.root, "renamed.txt"), "utf8"), "first line\n");
    assert.match(await readFile(join(server.root, "old.ipynb"), "utf8"), /6 \* 7/);
  });

  await t.test("a file is downloaded as it is", async () => {
    await item("renamed.txt").click({ button: "right" });
    const saving = page.waitForEvent("download");
    await page.locator(".lm-Menu-item", { has: page.getByText("Download", { exact: true }) }).click();
    const download = await saving;
    assert.equal(download.suggestedFilename(), "renamed.txt");
    assert.equal(await readFile(await download.path(), "utf8"), "first line\n");
  });

  await t.test("an open notebook is renamed by its title, and goes on under the new name", async () => {
    const opened = await NotebookPage.open(context, `${server.url}/notebooks/old.ipynb`);
    await opened.kernelIdle();
    // The application makes a checkpoint of what it has opened, under the old name.
    await until(() => existsSync(join(server.root, ".ipynb_checkpoints", "old-checkpoint.ipynb")));
    await opened.page.locator("#jp-title h1").click();
    const dialog = opened.page.locator(".jp-Dialog");
    await dialog.locator("input").fill("new name.ipynb");
    await dialog.locator(".jp-mod-accept").click();
    await until(async () => (await readdir(server.root)).includes("new name.ipynb"));
    assert.ok(!(await readdir(server.root)).includes("old.ipynb"));
    await until(() => opened.page.url() === `${server.url}/notebooks/new%20name.ipynb`);
    await opened.run(0);
    assert.equal((await opened.outputs(0).innerText()).trim(), "42");
    await opened.page.keyboard.press("Escape");
    await opened.page.keyboard.press("Control+s");
    await until(async () => (await readFile(join(server.root, "new name.ipynb"), "utf8")).includes('"42"'));
    assert.deepEqual(
      (await readdir(server.root)).filter((name) => name === "old.ipynb"),
      [],
    );
    assert.deepEqual(opened.errors, []);
  });

  await t.test("a file is deleted when that is confirmed", async () => {
    await item("renamed.txt").click();
    await page.keyboard.press("Delete");
    await tree.accept();
    await until(async () => !(await readdir(server.root)).includes("renamed.txt"));
  });
});
