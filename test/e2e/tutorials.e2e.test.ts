import assert from "node:assert/strict";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Locator } from "playwright-core";
import { startServer, type TestServer } from "../server/server.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs, screenshot } from "./browser.ts";

const tutorials = fileURLToPath(new URL("../../../notebooks/tutorials/", import.meta.url));
const names = ["01-first-rollout.ipynb", "02-learning-to-use-code.ipynb"];

/** With UPDATE_SCREENSHOT=1 the second tutorial trains longer, on a better base model, for the README's picture. */
const forPicture = process.env.UPDATE_SCREENSHOT === "1";
const coldStartSteps = forPicture ? 400 : 40;
const pictureStep = 20;
const trainSteps = forPicture ? 60 : 30;

/** What the page's elements can; the tests know no types of the page. */
interface Scrolled {
  scrollIntoView(options: { block: "start" }): void;
}

/** A server on copies of the tutorials, and a browser. */
async function prepare(t: TestContext, executable: string): Promise<{ server: TestServer; context: BrowserContext }> {
  const server = await startServer(t);
  for (const name of names) await copyFile(join(tutorials, name), join(server.root, name));
  const browser = await launchBrowser(t, executable);
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  context.setDefaultTimeout(forPicture ? 240_000 : patienceMs);
  return { server, context };
}

/** A tutorial in the page, whose cells are named by a piece of their source. */
class Tutorial {
  readonly notebook: NotebookPage;
  readonly #sources: string[];

  private constructor(notebook: NotebookPage, sources: string[]) {
    this.notebook = notebook;
    this.#sources = sources;
  }

  static async open({ server, context }: { server: TestServer; context: BrowserContext }, name: string) {
    const { cells } = JSON.parse(await readFile(join(server.root, name), "utf8")) as { cells: { source: string[] }[] };
    const notebook = await NotebookPage.open(context, `${server.url}/notebooks/${name}?token=${server.token}`);
    await notebook.kernelIdle();
    // The tutorials come with outputs and numbers, which would pass for those of this run.
    await notebook.menu("Edit", "Clear Outputs of All Cells");
    await notebook.page.locator(".jp-InputPrompt", { hasText: /\d/ }).first().waitFor({ state: "detached" });
    return new Tutorial(
      notebook,
      cells.map(({ source }) => [source].flat().join("")),
    );
  }

  index(piece: string): number {
    const index = this.#sources.findIndex((source) => source.includes(piece));
    assert.notEqual(index, -1, `no cell with ${piece}`);
    return index;
  }

  /** Runs a cell to its end and gives the text that it shows, none of which is an error. */
  async run(piece: string): Promise<string> {
    const index = this.index(piece);
    await this.notebook.run(index);
    return this.shown(index);
  }

  async shown(index: number): Promise<string> {
    const outputs = await this.notebook.outputs(index).allInnerTexts();
    assert.equal(
      await this.notebook.cell(index).locator('[data-mime-type="application/vnd.jupyter.error"]').count(),
      0,
      outputs.join("\n"),
    );
    return outputs.join("\n").trim();
  }

  /** Changes values of the cell of parameters, as a reader does. */
  async set(parameters: Record<string, unknown>): Promise<void> {
    const index = this.index("let seed");
    const source = Object.entries(parameters).reduce((text, [name, value]) => {
      const line = new RegExp(`^(let ${name}\\b.*?= )[^;]*;`, "m");
      assert.match(text, line);
      return text.replace(line, (_, start) => `${start}${JSON.stringify(value)};`);
    }, this.#sources[index]!);
    await this.notebook.write(index, source);
    await this.notebook.run(index);
    await this.shown(index);
  }
}

/** Until the number that the pattern finds in an element's text is at least the given one. @returns the number */
async function reaches(element: Locator, pattern: RegExp, least: number): Promise<number> {
  return until(async () => {
    const found = pattern.exec((await element.textContent()) ?? "");
    return found && Number(found[1]) >= least ? Number(found[1]) : undefined;
  });
}

test("the tutorials in Chromium", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const place = await prepare(t, executable);

  await t.test("01: the first cells show the lab, the policy, the interpreter and its feedback", async () => {
    const first = await Tutorial.open(place, names[0]!);
    await first.set({ coldStartSteps: 20, engine: "pyodide" });
    const lab = await first.run("new Lab(");
    assert.match(lab, /seed\s+80/);
    assert.match(lab, /device\s+cpu/);
    assert.ok(await first.notebook.outputs(first.index("new Lab(")).locator("table").isVisible());
    assert.match(await first.run("Policy.create("), /tiny-math/);
    assert.match(await first.run("PythonInterpreter.start("), /Pyodide/);
    const feedback = await first.run("print(geo(17))");
    assert.match(feedback, /1267650600228229401496703205376/);
    assert.match(feedback, /NameError: name 'geo' is not defined/);
    await screenshot(first.notebook.page, "first-rollout");
    assert.deepEqual(first.notebook.errors, []);
    await first.notebook.page.close();
  });

  await t.test("02: a training moves in the page, is interrupted there, and goes on where it stood", async () => {
    const second = await Tutorial.open(place, names[1]!);
    const { notebook } = second;
    const small = { families: ["algebra", "chain1"], heldOutTasks: 20, samples: 4 };
    await second.set({ ...small, coldStartSteps, steps: trainSteps });
    for (const piece of ["new Lab(", "PythonInterpreter.start(", "tasks.arithmetic(", "await sft(", "new Trainer("])
      await second.run(piece);

    const training = second.index("trainer.train(steps)");
    await notebook.start(training);
    const panel = notebook.page.locator("#cirlab-live-panel");
    const charts = notebook.cell(training).locator(".cirlab-rendered-run");
    const inPanel = panel.locator(".cirlab-run-status");
    const step = await reaches(inPanel, /step (\d+)/, 1);
    assert.ok(await panel.isVisible(), "the panel did not open");
    await reaches(inPanel, /step (\d+)/, step + 1);
    await reaches(charts.locator(".cirlab-run-status"), new RegExp(`step (\\d+) of ${trainSteps}`), step + 1);
    assert.ok(await charts.locator("canvas").first().isVisible());
    if (forPicture) {
      await reaches(inPanel, /step (\d+)/, pictureStep);
      const heading = notebook.cell(second.index("## Reinforcement learning"));
      await heading.evaluate((cell: unknown) => (cell as Scrolled).scrollIntoView({ block: "start" }));
      await screenshot(notebook.page, "training");
    }

    await notebook.page.locator('.jp-NotebookPanel-toolbar [data-jp-item-name="interrupt"]').click();
    await notebook.ended(training);
    for (const place of [panel, charts])
      await place.locator(".cirlab-run-status", { hasText: /interrupted · step/ }).waitFor();

    const state = "[trainer.step, policy.version - coldStartSteps, typeof python.run].join()";
    await notebook.insertBelow(training, state);
    await notebook.run(training + 1);
    const [stood, version, interpreter] = (await second.shown(training + 1)).replaceAll("'", "").split(",");
    assert.ok(Number(stood) > step && Number(stood) < trainSteps, `it stood at step ${stood}`);
    assert.deepEqual([version, interpreter], [stood, "function"]);

    await notebook.insertBelow(
      training + 1,
      `const more = await trainer.train(1).done();
console.log("now", trainer.step, more.map(({ step }) => step).join(), (await python.run("print(6 * 7)")).stdout);`,
    );
    await notebook.run(training + 2);
    const next = Number(stood) + 1;
    assert.match(await second.shown(training + 2), new RegExp(`now ${next} ${next} 42`));
    await panel.locator(".cirlab-run-status", { hasText: `completed · step ${next}` }).waitFor();
    await screenshot(notebook.page, "training-resumed");
    assert.deepEqual(notebook.errors, []);
  });
});
