import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { startServer, type TestServer } from "../server/server.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs, screenshot } from "./browser.ts";
import { hostileHtml, hostileMermaid, hostileNotebook, hostileSvg, hostileVega } from "./hostile.ts";

/** The attacker's server: whatever reaches it has left. */
async function startCanary(t: TestContext): Promise<{ url: string; heard: string[] }> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.end("window.__pwned = ['remote']");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

const evilName = "<img src=x onerror=window.__pwned=['name']>.ipynb";

/** Nothing of the notebook has run. What runs in a frame of the page says so at the top, or tells the attacker. */
async function assertNothingRan(page: Page): Promise<void> {
  const ran = await page.evaluate(() => (globalThis as { __pwned?: unknown }).__pwned);
  assert.equal(ran, undefined, JSON.stringify(ran));
}

async function prepare(t: TestContext, executable: string) {
  const server = await startServer(t);
  const canary = await startCanary(t);
  const put = (name: string, content: string | object): Promise<void> =>
    writeFile(join(server.root, name), typeof content === "string" ? content : JSON.stringify(content));
  await put("hostile.ipynb", hostileNotebook(canary.url));
  await put(evilName, hostileNotebook(canary.url));
  await put(
    "evil.html",
    `<html><head>${hostileHtml(canary.url, "file")}</head><body>${hostileHtml(canary.url, "body")}</body></html>`,
  );
  await put("evil.svg", hostileSvg(canary.url, "file-svg"));
  await put("evil.md", hostileHtml(canary.url, "file-markdown"));
  await put("evil.json", { [hostileHtml(canary.url, "key")]: hostileHtml(canary.url, "value") });
  await put("evil.csv", `a,b\n${JSON.stringify(hostileHtml(canary.url, "csv"))},=cmd()\n`);
  await put("evil.vg", hostileVega(canary.url));
  await put("evil.mmd", hostileMermaid(canary.url));
  await put("evil.txt", hostileHtml(canary.url, "text"));
  // By class, since what is not trusted is shown without ids.
  const html = `<p class="sign">waiting</p><script>document.querySelector(".sign").textContent = "script ran"</script>
<button class="press" onclick="this.textContent = 'pressed </b>' + event.type">press</button><img src="${canary.url}/trusted.png">`;
  await put("work.ipynb", {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "cirlab", display_name: "TypeScript (CIR Lab)", language: "typescript" } },
    cells: [
      {
        ...{ cell_type: "code", id: "a", metadata: {}, execution_count: 1, source: "1" },
        outputs: [{ output_type: "display_data", data: { "text/html": html, "text/plain": "plain" }, metadata: {} }],
      },
    ],
  });
  const browser = await launchBrowser(t, executable);
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(patienceMs);
  await (await context.newPage()).goto(`${server.url}/login`);
  return { server, canary, context };
}

/** Whether the server still has only what it had, and the attacker heard nothing. */
async function assertUnharmed(server: TestServer, canary: { heard: string[] }): Promise<void> {
  assert.deepEqual(canary.heard, []);
  assert.ok(!(await readdir(server.root)).includes("pwned.txt"), "something was written through the API");
}

/** A file in one of its viewers, or the application's word on why it cannot be shown. */
async function openViewer(context: BrowserContext, server: TestServer, file: string, factory: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${server.url}/edit/${encodeURIComponent(file)}?factory=${encodeURIComponent(factory)}`);
  await page.locator(".jp-Document, .jp-Dialog").first().waitFor({ state: "attached" });
  return page;
}

test("a hostile notebook in Chromium", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const { server, canary, context } = await prepare(t, executable);

  await t.test("one logs in at the login page, which runs no script", async () => {
    const [page] = context.pages();
    await page!.getByLabel(/Token/).fill("wrong");
    await page!.getByRole("button", { name: "Log in" }).click();
    await page!.getByRole("alert").waitFor();
    await screenshot(page!, "login");
    await page!.emulateMedia({ colorScheme: "dark" });
    await screenshot(page!, "login-dark");
    await page!.getByLabel(/Token/).fill(server.token);
    await page!.getByRole("button", { name: "Log in" }).click();
    await page!.waitForURL(`${server.url}/tree`);
    await page!.close();
  });

  for (const name of ["hostile.ipynb", evilName])
    await t.test(`${name} runs nothing, tells nobody and writes nothing`, async () => {
      const notebook = await NotebookPage.open(context, `${server.url}/notebooks/${encodeURIComponent(name)}`);
      const { page } = notebook;
      await notebook.kernelIdle();
      await page.locator(".jp-NotebookTrustedStatus", { hasText: "Not Trusted" }).waitFor();
      // What is harmless in it is shown, in the cells and in the outputs.
      await page.locator(".jp-MarkdownCell p.harmless").first().waitFor();
      for (let i = 3; i < 14; i++) await notebook.cell(i).scrollIntoViewIfNeeded();
      await page.locator(".jp-OutputArea p.harmless").first().waitFor();
      await page.waitForLoadState("networkidle");
      assert.equal(await page.locator(".jp-Notebook :is(a, form)[href^='javascript' i]").count(), 0);
      for (const link of await page.locator(".jp-Notebook a.bad-link").all()) await link.dispatchEvent("click");
      await assertNothingRan(page);
      await assertUnharmed(server, canary);
      await screenshot(page, "hostile");
      await page.close({ runBeforeUnload: false });
    });

  await t.test("the list of files shows a hostile name as text", async () => {
    const tree = await NotebookPage.open(context, `${server.url}/tree`);
    await tree.page.locator(".jp-DirListing-item", { hasText: "onerror" }).waitFor();
    await assertNothingRan(tree.page);
    await tree.page.close();
  });

  for (const [file, factory] of [
    ["evil.html", "HTML Viewer"],
    ["evil.html", "Editor"],
    ["evil.svg", "Image"],
    ["evil.md", "Markdown Preview"],
    ["evil.json", "JSON"],
    ["evil.csv", "CSVTable"],
    ["evil.vg", "Vega5"],
    ["evil.mmd", "Mermaid"],
    ["evil.txt", "Editor"],
    ["hostile.ipynb", "JSON"],
  ] as const)
    await t.test(`${file} in the viewer ${factory} runs nothing and tells nobody`, async () => {
      const page = await openViewer(context, server, file, factory);
      await page.waitForLoadState("networkidle");
      await assertNothingRan(page);
      await assertUnharmed(server, canary);
      await page.close();
    });

  await t.test(
    "a page among the files runs as a stranger: no cookie, no answer of the API, no other server",
    async () => {
      const stranger = await context.newPage();
      await writeFile(
        join(server.root, "stranger.html"),
        `<p id="sign">waiting</p><script>
const told = [];
try { told.push("cookie " + document.cookie); } catch (error) { told.push("no cookie"); }
try { localStorage.length; told.push("storage"); } catch (error) { told.push("no storage"); }
const ask = (url, init) => fetch(url, init).then((r) => r.text()).then((t) => "answer " + t, () => "no answer");
Promise.all([ask("/api/contents"), ask("/api/contents/pwned.txt", { method: "PUT", body: "{}" }), ask("${canary.url}/stranger")])
  .then((answers) => { document.getElementById("sign").textContent = told.concat(answers).join(", "); });
</script>`,
      );
      await stranger.goto(`${server.url}/files/stranger.html`);
      const sign = stranger.locator("#sign", { hasNotText: "waiting" });
      assert.equal(await sign.innerText(), "no cookie, no storage, no answer, no answer, no answer");
      await stranger.close();
      await assertUnharmed(server, canary);
    },
  );

  await t.test("the page's policy stops markup that got past every filter, and lets no request out", async () => {
    const tree = await NotebookPage.open(context, `${server.url}/tree`);
    const { page } = tree;
    await writeFile(join(server.root, "evil.js"), "window.__pwned = ['own file']");
    await page.evaluate(
      (markup) => {
        const place = document.createElement("div");
        document.body.append(place);
        place.innerHTML = markup;
        // As a library would that makes scripts of what it finds.
        for (const source of ["/files/evil.js", undefined]) {
          const script = document.createElement("script");
          if (source) script.src = source;
          else script.textContent = "window.__pwned = ['inline']";
          place.append(script);
        }
      },
      hostileHtml(canary.url, "injected").replace(/<meta[^>]*>/, ""),
    );
    await page.waitForLoadState("networkidle");
    await assertNothingRan(page);
    assert.equal(
      await page.evaluate(
        (url) =>
          fetch(url).then(
            () => "out",
            () => "stopped",
          ),
        `${canary.url}/fetch`,
      ),
      "stopped",
    );
    await assertUnharmed(server, canary);
    await page.close();
  });

  await t.test(
    "a notebook from elsewhere is trusted by its reader: its scripts run, and do after a reload",
    async () => {
      const notebook = await NotebookPage.open(context, `${server.url}/notebooks/work.ipynb`);
      const { page } = notebook;
      await notebook.kernelIdle();
      assert.equal(await page.locator(".sign").innerText(), "waiting");
      await page.locator(".jp-NotebookTrustedStatus", { hasText: "Not Trusted" }).click();
      await screenshot(page, "trust-dialog");
      await notebook.accept();
      await page.locator(".jp-NotebookTrustedStatus", { hasText: /^Trusted$/ }).waitFor();
      await page.locator(".sign", { hasText: "script ran" }).waitFor();
      await page.locator(".press").click();
      await page.locator(".press", { hasText: "pressed </b>click" }).waitFor();
      await page.keyboard.press("Control+s");
      const signatures = (): Promise<string> =>
        readFile(join(server.root, "../user/trusted-notebooks.json"), "utf8").catch(() => "");
      await until(async () => (await signatures()).includes("signatures"));
      await notebook.reload();
      await page.locator(".jp-NotebookTrustedStatus", { hasText: /^Trusted$/ }).waitFor();
      await page.locator(".sign", { hasText: "script ran" }).waitFor();
      await assertUnharmed(server, canary);
      await page.close();
    },
  );

  await t.test(
    "an HTML file is trusted by its reader in the viewer: its scripts run there, apart from the page",
    async () => {
      await writeFile(
        join(server.root, "page.html"),
        `<p id="sign">waiting</p><script>document.getElementById("sign").textContent = "script ran"</script>`,
      );
      const page = await openViewer(context, server, "page.html", "HTML Viewer");
      const sign = page.frameLocator("iframe").locator("#sign");
      assert.equal(await sign.innerText(), "waiting");
      await page.getByRole("button", { name: /Trust HTML/ }).click();
      await sign.filter({ hasText: "script ran" }).waitFor();
      await page.close();
    },
  );
});
