import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from "playwright-core";

/** The system's Chromium: CHROMIUM_PATH, or where it is usually installed. */
export function findChromium(): string | undefined {
  return [
    process.env.CHROMIUM_PATH,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ].find((path) => path !== undefined && existsSync(path));
}

/** How long a page may take to show what is waited for: a busy machine is no fault. */
export const patienceMs = 120_000;

/** Starts a browser with a profile of its own, which ends with the test. */
export async function launchBrowser(t: Pick<TestContext, "after">, executablePath: string): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  t.after(() => browser.close());
  return browser;
}

let folder: Promise<string> | undefined;

/** The picture in the README. */
const readmePicture = fileURLToPath(new URL("../../../notebooks/images/training.png", import.meta.url));

/**
 * Takes a picture of the page for people to look at, in the folder that SCREENSHOTS names or else in a temporary one.
 * With UPDATE_SCREENSHOT=1 the one named `training` also becomes the README's.
 */
export async function screenshot(page: Page, name: string): Promise<string> {
  folder ??= process.env.SCREENSHOTS
    ? Promise.resolve(process.env.SCREENSHOTS)
    : mkdtemp(join(tmpdir(), "cirlab-screenshots-"));
  const path = join(await folder, `${name}.png`);
  await page.screenshot({ path });
  if (name === "training" && process.env.UPDATE_SCREENSHOT === "1") {
    await mkdir(dirname(readmePicture), { recursive: true });
    await copyFile(path, readmePicture);
  }
  return path;
}

/** A page of the notebook application, with what a person does in it, and every error that its console showed. */
export class NotebookPage {
  readonly page: Page;
  readonly errors: string[] = [];
  readonly #sign: string;

  private constructor(page: Page, sign = "body[data-ready]") {
    this.page = page;
    this.#sign = sign;
    page.setDefaultTimeout(patienceMs);
    page.on("pageerror", (error) => this.errors.push(error.stack ?? error.message));
    page.on("console", (message) => {
      if (message.type() === "error") this.errors.push(`${message.text()} (${message.location().url})`);
    });
  }

  /** @param sign what an application that is not ours has in the page once it is ready */
  static async open(context: BrowserContext, url: string, sign?: string): Promise<NotebookPage> {
    const opened = new NotebookPage(await context.newPage(), sign);
    await opened.page.goto(url);
    await opened.ready();
    return opened;
  }

  /** Another tab that the application opened. */
  static async of(page: Page): Promise<NotebookPage> {
    const opened = new NotebookPage(page);
    await opened.ready();
    return opened;
  }

  async ready(): Promise<void> {
    await this.page.waitForSelector(this.#sign, { state: "attached" });
    if (!new URL(this.page.url()).pathname.startsWith("/notebooks/")) return;
    // The application is there before its notebook is, which has one empty cell until then.
    await this.page.locator(".jp-NotebookPanel").waitFor({ state: "attached" });
    await this.page.locator(".jp-NotebookPanel > .jp-Spinner").waitFor({ state: "detached" });
  }

  /** Until the page shows no work of the kernel; it may still be starting, and a cell that is started then waits. */
  async kernelIdle(): Promise<void> {
    await this.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  cell(index: number): Locator {
    return this.page.locator(".jp-Notebook .jp-Cell").nth(index);
  }

  outputs(index: number): Locator {
    return this.cell(index).locator(".jp-OutputArea-output");
  }

  /** Starts a cell as Ctrl+Enter does. */
  async start(index: number): Promise<void> {
    await this.cell(index).locator(".jp-InputArea-editor").click();
    await this.page.keyboard.press("Control+Enter");
  }

  /** Starts a cell and waits until it has ended. */
  async run(index: number): Promise<void> {
    await this.start(index);
    await this.ended(index);
  }

  /** Replaces a cell's source. */
  async write(index: number, source: string): Promise<void> {
    await this.cell(index).locator(".jp-InputArea-editor").click();
    await this.page.keyboard.press("Control+a");
    await this.page.keyboard.insertText(source);
  }

  /** Adds a cell of code below another one. */
  async insertBelow(index: number, source: string): Promise<void> {
    await this.cell(index).locator(".jp-InputArea-prompt").click();
    await this.page.keyboard.press("b");
    await this.write(index + 1, source);
  }

  /** Until a cell that was started has its number. */
  async ended(index: number): Promise<void> {
    await this.prompt(index, /\[\d+\]/).waitFor();
  }

  /** The cell's `[ ]:`, `[*]:` or `[1]:` once it looks as asked. */
  prompt(index: number, text: RegExp): Locator {
    return this.cell(index).locator(".jp-InputPrompt", { hasText: text });
  }

  /** Chooses from the menu bar, for example `menu("Kernel", "Interrupt Kernel")`. */
  async menu(...path: string[]): Promise<void> {
    const [first, ...rest] = path;
    await this.page.getByRole("menuitem", { name: first!, exact: true }).click();
    for (const label of rest) {
      const item = this.page.locator(".lm-Menu-item", { has: this.page.getByText(label, { exact: true }) });
      await item.last().click();
    }
  }

  /** Presses the affirmative button of the open dialogue. */
  async accept(): Promise<void> {
    await this.page.locator(".jp-Dialog .jp-mod-accept").click();
  }
}
