import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { Locator, Page } from "playwright-core";
import { commandFile } from "../../kernel/package.ts";
import { findChromium, launchBrowser, patienceMs, screenshot } from "../e2e/browser.ts";
import { kernelConnected } from "./jupyterServer.ts";
import { writeNotebook } from "./notebooks.ts";
import { findPython, JupyterHome, missing } from "./python.ts";

const token = "conformance";
/** What the clients run, by cell. */
const cells = [
  "const answer: number = 6 * 7;\nanswer",
  "display({ 'text/html': '<b class=\"shown\">bold</b>' }); for (let i = 0; i < 10_000; i++) console.log(i)",
  "const host = (globalThis as any)[Symbol.for('Jupyter.host')];\nhost.display({ 'text/html': '<i class=\"bar\">1 of 3</i>' }, { displayId: 'bar' }); host.update('bar', { 'text/html': '<i class=\"bar\">3 of 3</i>' });",
  "throw new RangeError('on purpose')",
  "const name = await input('name? '); const secret = await input('secret? ', { password: true }); name + secret.length",
  "console.log('busy' + 1); while (true) {}",
  "answer.to",
  "parseInt",
  "answer",
] as const;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (!address || typeof address === "string") throw new Error("A TCP server without a port.");
  return address.port;
}

/** Starts Jupyter's own server, which has both JupyterLab and Notebook, and gives its address. */
async function startJupyter(t: TestContext, python: string, home: JupyterHome): Promise<string> {
  const port = await freePort();
  const args = ["-m", "notebook", "--no-browser", `--ServerApp.port=${port}`, `--IdentityProvider.token=${token}`];
  const more = [`--ServerApp.root_dir=${home.folder}`, "--ServerApp.allow_root=True", "--ServerApp.port_retries=0"];
  const child: ChildProcess = spawn(python, [...args, ...more], { cwd: home.folder, env: home.env, stdio: "ignore" });
  const exited = once(child, "exit");
  t.after(async () => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await exited;
    clearTimeout(timer);
  });
  const address = `http://127.0.0.1:${port}`;
  for (;;) {
    const answer = await fetch(`${address}/api/status?token=${token}`).catch(() => undefined);
    if (answer?.ok) return address;
    if (child.exitCode !== null) throw new Error(`Jupyter ended with exit code ${child.exitCode}.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A notebook that is open in one of Jupyter's applications. */
class Notebook {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  cell(index: number): Locator {
    return this.page.locator(".jp-Notebook .jp-Cell").nth(index);
  }

  output(index: number, text: string | RegExp): Locator {
    return this.cell(index).locator(".jp-OutputArea-output", { hasText: text }).first();
  }

  async edit(index: number): Promise<void> {
    await this.cell(index).locator(".jp-InputArea-editor .cm-content").click();
    await this.page.keyboard.press("Control+End");
  }

  async start(index: number): Promise<void> {
    await this.edit(index);
    await this.page.keyboard.press("Control+Enter");
  }

  prompt(index: number, text: RegExp): Locator {
    return this.cell(index).locator(".jp-InputPrompt", { hasText: text });
  }

  async press(command: string): Promise<void> {
    await this.page.locator(`.jp-NotebookPanel-toolbar [data-command="${command}"]`).first().click();
  }

  async idle(): Promise<void> {
    await this.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
  }
}

/** All that a person does with a kernel in a notebook. */
async function work(notebook: Notebook): Promise<void> {
  const { page } = notebook;
  await notebook.idle();
  await notebook.start(0);
  await notebook.output(0, /^\s*42\s*$/).waitFor();
  await notebook.prompt(0, /\[1\]/).waitFor();

  await notebook.start(1);
  await notebook.cell(1).locator("b.shown").waitFor();
  await notebook.output(1, /9999/).waitFor();
  await notebook.start(2);
  await notebook.cell(2).locator("i.bar", { hasText: "3 of 3" }).waitFor();

  await notebook.start(3);
  await notebook.output(3, /RangeError.*on purpose/s).waitFor();

  await notebook.start(4);
  const box = notebook.cell(4).locator(".jp-Stdin-input");
  await notebook.cell(4).locator(".jp-Stdin-prompt", { hasText: "name?" }).waitFor();
  await box.fill("Ada");
  await box.press("Enter");
  const password = notebook.cell(4).locator('.jp-Stdin-input[type="password"]');
  await password.fill("12345");
  await password.press("Enter");
  await notebook.output(4, /'Ada5'/).waitFor();

  await notebook.start(5);
  await notebook.output(5, "busy1").waitFor();
  await notebook.prompt(5, /\[\*\]/).waitFor();

  // Completion and inspection while the cell computes.
  await notebook.edit(6);
  const offer = page.locator(".jp-Completer-item", { hasText: "toFixed" });
  // JupyterLab gives up an answer that takes longer than a second.
  while (!(await offer.isVisible())) {
    await page.keyboard.press("Tab");
    await offer.waitFor({ timeout: 3000 }).catch(() => undefined);
  }
  await page.keyboard.press("Escape");
  await notebook.edit(7);
  await page.keyboard.press("Shift+Tab");
  await page.locator(".jp-Tooltip", { hasText: "parseInt" }).waitFor();
  await page.keyboard.press("Escape");

  await notebook.press("notebook:interrupt-kernel");
  await notebook.output(5, "KernelInterrupt").waitFor();
  await notebook.start(8);
  await notebook.output(8, /^\s*42\s*$/).waitFor();

  await notebook.press("notebook:restart-kernel");
  await page.locator(".jp-Dialog .jp-mod-accept").click();
  await notebook.idle();
  await notebook.start(8);
  await notebook.output(8, /answer/).waitFor();
  await notebook.prompt(8, /\[1\]/).waitFor();
}

describe("Jupyter's applications in a browser", { concurrency: false }, () => {
  const python = findPython("jupyterlab", "notebook");
  const chromium = findChromium();

  for (const [name, path] of [
    ["JupyterLab", "lab/tree"],
    ["Notebook", "notebooks"],
  ] as const) {
    test(`${name}: cells, rich output, input, completion, inspection, interrupt, restart`, async (t) => {
      if (!python) return t.skip(missing("jupyterlab", "notebook"));
      if (!chromium) return t.skip("no Chromium: apt install chromium, or set CHROMIUM_PATH");
      const home = await JupyterHome.create(t);
      await writeNotebook(join(home.folder, "work.ipynb"), cells);
      const address = await startJupyter(t, python, home);
      const browser = await launchBrowser(t, chromium);
      const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
      page.setDefaultTimeout(patienceMs);
      await page.goto(`${address}/${path}/work.ipynb?token=${token}`);
      try {
        await kernelConnected({ address, token });
        await work(new Notebook(page));
      } catch (error) {
        t.diagnostic(`picture: ${await screenshot(page, name)}`);
        throw error;
      }
    });
  }

  test("jupyter kernelspec finds what cirlab install wrote: --user, --sys-prefix, --prefix, --compiler", async (t) => {
    if (!python) return t.skip(missing("jupyterlab", "notebook"));
    const home = await JupyterHome.create(t);
    const environment = join(home.folder, "environment");
    assert.equal((await home.run(python, ["-m", "venv", "--without-pip", environment])).exitCode, 0);
    const install = async (...args: string[]) => {
      const env = { VIRTUAL_ENV: environment };
      const { exitCode, stderr } = await home.run(process.execPath, [commandFile, "install", ...args], env);
      assert.equal(exitCode, 0, stderr);
    };
    await install("--user", "--name", "at-user");
    await install("--sys-prefix", "--name", "at-sys-prefix");
    await install("--prefix", join(home.folder, "other"), "--compiler", "tslab");
    const folders = [environment, join(home.folder, "other")].map((prefix) => join(prefix, "share", "jupyter"));
    const list = ["-m", "jupyter_client.kernelspecapp", "list", "--json"];
    const { stdout, stderr } = await home.run(python, list, { JUPYTER_PATH: folders.join(":") });
    assert.match(stdout, /kernelspecs/, stderr);
    const { kernelspecs } = JSON.parse(stdout) as { kernelspecs: Record<string, { spec: Record<string, unknown> }> };
    const specs = Object.fromEntries(Object.entries(kernelspecs).map(([name, { spec }]) => [name, spec]));
    assert.equal(specs["at-user"]?.interrupt_mode, "message");
    assert.equal(specs["at-sys-prefix"]?.display_name, "TypeScript (CIR Lab)");
    assert.deepEqual(specs["cirlab-tslab"]?.env, { CIRLAB_COMPILER: "tslab" });
    assert.equal(specs["cirlab-tslab"]?.display_name, "TypeScript (CIR Lab, tslab)");
  });
});
