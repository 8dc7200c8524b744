import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { TestContext } from "node:test";
import type { Locator } from "playwright-core";
import { until } from "../until.ts";
import { type NotebookPage, screenshot } from "./browser.ts";
import { writeCells } from "./cells.ts";

/** What the page can; the tests know no types of the page. */
interface Styles {
  getComputedStyle(element: unknown): { color: string };
}

/** The front end of a widget of its own. */
const counter = `export default {
  render({ model, el }) {
    const button = document.createElement("button");
    button.className = "counter";
    const show = () => {
      const weights = model.get("weights");
      const numbers = [...new Float32Array(weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength))];
      button.textContent = "pressed " + model.get("count") + ", weights " + numbers.join(" ");
    };
    button.onclick = () => {
      model.set("count", model.get("count") + 1);
      model.set("weights", new DataView(new Float32Array([0.25, 0.5]).buffer));
      model.save_changes();
      model.send({ greeting: "from the page" }, undefined, [new Uint8Array([1, 2, 3]).buffer]);
    };
    model.on("change:count", show);
    model.on("change:weights", show);
    model.on("msg:custom", (content) => { button.title = content.note; });
    show();
    el.append(button);
  },
}`;

const cells = {
  controls: `import { button, choice, column, number, output, play, row, slider, text, toggle, widget } from "cirlab/kernel";
const rate = slider({ label: "learning rate", min: 1e-5, max: 1e-2, step: 1e-5, value: 1e-3 });
const step = slider({ label: "step", max: 5 });
const clock = play({ slider: step, intervalMs: 50 });
const estimator = choice({ label: "advantage", options: ["grpo", "rloo", "remax"] });
const mode = choice({ options: { low: 1, high: 2 }, as: "buttons" });
const greedy = toggle({ label: "greedy" });
const steps = number({ label: "steps", value: 10, min: 1, max: 50, integer: true });
const prompt = text({ label: "prompt", value: "2 + 2 =" });
const log = output();
const go = button({ label: "Go", icon: "play", kind: "primary" });
column(rate, row(clock, step), estimator, mode, greedy, steps, prompt, row(go), log)`,
  listeners: `rate.onChange((value, previous) => console.log(\`rate \${previous} -> \${value}\`));
let presses = 0;
go.onClick(() => {
  presses++;
  log.capture(async () => {
    console.log("captured", presses);
    await new Promise((passed) => setTimeout(passed, 5));
    display({ "text/html": "<b class='shown'>a picture</b>", "text/plain": "a picture" });
  });
});`,
  values:
    "JSON.stringify([rate.value, step.value, estimator.value, mode.value, greedy.value, steps.value, prompt.value, presses])",
  set: `rate.value = 9e-3; estimator.value = "remax"; greedy.value = false; prompt.value = "from the cell"; step.value = 2;`,
  custom: `const counter = widget({ state: { count: 3, weights: new Float32Array([1, 2]) }, css: ".counter { color: rgb(1, 2, 3); }", esm: ${JSON.stringify(counter)} });
counter.onMessage((content: { greeting: string }, buffers) => { counter.send({ note: content.greeting + " " + buffers[0].join("") }); });
counter`,
  customValues:
    "JSON.stringify([counter.get('count'), counter.get('weights').constructor.name, ...counter.get('weights')])",
  setCustom: "counter.set({ count: 41, weights: new Float32Array([7]) })",
};
type Name = keyof typeof cells;
const indexOf = (name: Name): number => Object.keys(cells).indexOf(name);

/** Writes the notebook that `workWithWidgets` works in. */
export const writeWidgetNotebook = (file: string): Promise<void> => writeCells(file, cells);

interface Place {
  notebook: NotebookPage;
  /** The notebook on disk. */
  file: string;
  /** Begins the names of pictures. */
  name: string;
  /** Whether the application leaves the arrow keys to a slider that has the focus. */
  hasKeys: boolean;
}

/** All that a person does with widgets, in any notebook application. */
export async function workWithWidgets(
  t: TestContext,
  { notebook, file, name: picture, hasKeys }: Place,
): Promise<void> {
  const { page } = notebook;
  const [more, less, by] = hasKeys ? ["ArrowRight", "ArrowLeft", 1] : ["PageUp", "PageDown", 5];
  const run = async (name: Name): Promise<string> => {
    await notebook.run(indexOf(name));
    return (await notebook.outputs(indexOf(name)).allInnerTexts()).join("\n");
  };
  const values = async (): Promise<unknown[]> => JSON.parse((await run("values")).replaceAll("'", "")) as unknown[];
  /** Until the kernel has a value that the page sent. */
  const value = async (index: number, wanted: unknown): Promise<void> => {
    let all: unknown[] = [];
    for (let asked = 0; asked < 20 && all[index] !== wanted; asked++) all = await values();
    assert.equal(all[index], wanted, JSON.stringify(all));
  };
  const controls = notebook.cell(indexOf("controls"));
  const control = (label: string): Locator =>
    controls.locator(".jupyter-widgets", { has: page.locator(`label:text-is("${label}")`) }).last();

  await notebook.kernelIdle();
  await t.test("a cell shows its controls", async () => {
    // The application calls a kernel idle before it is connected, and drops what is started then.
    const isStarted = () => notebook.prompt(0, /\[[*\d]/).waitFor({ timeout: 3000 });
    await until(async () => {
      await notebook.start(0);
      return isStarted().then(
        () => true,
        () => false,
      );
    });
    await notebook.ended(0);
    await run("listeners");
    await control("learning rate").locator(".noUi-handle").waitFor();
    await screenshot(page, picture);
    assert.deepEqual(await values(), [0.001, 0, "grpo", 1, false, 10, "2 + 2 =", 0]);
    assert.equal(await control("learning rate").locator(".widget-readout").innerText(), "1e-3");
  });

  await t.test("what a person does reaches the cells, and its listeners print under their cell", async () => {
    const handle = control("learning rate").locator(".noUi-handle");
    await handle.focus();
    await handle.press(more);
    await value(0, (100 + by) / 1e5);
    await notebook
      .outputs(indexOf("listeners"))
      .getByText(`rate 0.001 -> ${(100 + by) / 1e5}`)
      .waitFor();
    const bar = (await control("learning rate").locator(".slider").boundingBox())!;
    await page.mouse.move(bar.x + 1, bar.y + bar.height / 2);
    await handle.hover();
    await page.mouse.down();
    await page.mouse.move(bar.x + bar.width / 2, bar.y + bar.height / 2, { steps: 4 });
    await page.mouse.up();
    const dragged = await until(async () => {
      const [now] = (await values()) as number[];
      return now! > 0.004 && now! < 0.006 ? now : undefined;
    });
    assert.equal(await control("learning rate").locator(".widget-readout").innerText(), dragged.toExponential(2));

    await control("advantage").locator("select").selectOption("rloo");
    await controls.getByRole("button", { name: "high" }).click();
    await controls.locator("label", { hasText: "greedy" }).locator("input").check();
    await control("steps").locator("input").fill("70");
    await control("steps").locator("input").press("Enter");
    await control("prompt").locator("input").fill("typed");
    await control("prompt").locator("input").press("Enter");
    await value(6, "typed");
    // The page keeps to the limits of the number.
    assert.deepEqual((await values()).slice(2, 7), ["rloo", 2, true, 50, "typed"]);
  });

  await t.test("a button's listener fills the output widget", async () => {
    const log = controls.locator(".widget-output");
    for (const presses of [1, 2]) {
      await controls.getByRole("button", { name: "Go" }).click();
      await until(async () => (await log.locator(".shown").count()) === presses);
    }
    await value(7, 2);
    assert.match(await log.innerText(), /captured 1\s+a picture\s+captured 2\s+a picture/);
    assert.doesNotMatch((await notebook.outputs(indexOf("listeners")).allInnerTexts()).join(), /captured/);
  });

  await t.test("play drives the slider", async () => {
    await controls.locator(".widget-play button").first().click();
    await value(1, 5);
    assert.equal(await control("step").locator(".widget-readout").innerText(), "5");
  });

  await t.test("what a cell sets moves the page", async () => {
    await run("set");
    await until(async () => (await control("learning rate").locator(".widget-readout").innerText()) === "9e-3");
    assert.equal(await control("advantage").locator("select").inputValue(), "remax");
    assert.equal(await controls.locator("label", { hasText: "greedy" }).locator("input").isChecked(), false);
    assert.equal(await control("prompt").locator("input").inputValue(), "from the cell");
    assert.equal(await control("step").locator(".widget-readout").innerText(), "2");
  });

  await t.test("a widget with a front end of its own shares values, bytes and messages", async () => {
    await run("custom");
    const button = notebook.cell(indexOf("custom")).locator("button.counter");
    await button.getByText("pressed 3, weights 1 2").waitFor();
    assert.equal(
      await button.evaluate((element: unknown) => (globalThis as unknown as Styles).getComputedStyle(element).color),
      "rgb(1, 2, 3)",
    );
    await button.click();
    await button.getByText("pressed 4, weights 0.25 0.5").waitFor();
    await notebook.cell(indexOf("custom")).locator("button.counter[title='from the page 123']").waitFor();
    await until(async () => (await run("customValues")).includes(JSON.stringify([4, "Float32Array", 0.25, 0.5])));
    await run("setCustom");
    await button.getByText("pressed 41, weights 7").waitFor();
    await screenshot(page, `${picture}-used`);
  });

  await t.test("a page that loads anew finds the widgets alive", async () => {
    await notebook.menu("File", "Save Notebook");
    await until(async () => (await readFile(file, "utf8")).includes("application/vnd.jupyter.widget-view+json"));
    await notebook.reload();
    await notebook.kernelIdle();
    await control("learning rate").locator(".widget-readout").getByText("9e-3").waitFor();
    await notebook.cell(indexOf("custom")).locator("button.counter").getByText("pressed 41, weights 7").waitFor();
    assert.match(await controls.locator(".widget-output").innerText(), /captured 1\s+a picture\s+captured 2/);
    await control("learning rate").locator(".noUi-handle").press(less);
    await value(0, (900 - by) / 1e5);
    await controls.getByRole("button", { name: "Go" }).click();
    await value(7, 3);
    await screenshot(page, `${picture}-reloaded`);
  });
}
