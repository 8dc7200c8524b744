import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startServer } from "../server/server.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs, screenshot } from "./browser.ts";
import { stepperCell, writeCells } from "./cells.ts";

const cells = {
  stepper: stepperCell,
  lengths:
    "JSON.stringify(steps.branches.map(({ tokens, toolCalls, stopReason }) => [tokens.length, toolCalls.length, stopReason]))",
  // A token of the model's own that would be markup, were it not set as text.
  hostile: `const hostile = rollout.fork({ append: "<img src=x onerror=globalThis.hacked=1>" });
const others = stepper(hostile);`,
  person: `const asked = lab.rollout({ agent: agents.person(), policy, interpreter: python, task, maxToolCalls: 2 });
const typed = stepper(asked);`,
};
const indexOf = (name: keyof typeof cells): number => Object.keys(cells).indexOf(name);

test("stepping through a rollout in the page", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const server = await startServer(t, { kernelEnv: { ...process.env } });
  const file = join(server.root, "steps.ipynb");
  await writeCells(file, cells);
  const browser = await launchBrowser(t, executable);
  const context = await browser.newContext({ viewport: { width: 1300, height: 1100 } });
  context.setDefaultTimeout(patienceMs);
  const notebook = await NotebookPage.open(context, `${server.url}/notebooks/steps.ipynb?token=${server.token}`);
  const { page } = notebook;
  const stepper = notebook.outputs(indexOf("stepper")).locator(".cir-stepper");
  const press = (name: string) => stepper.getByRole("button", { name, exact: true }).click();
  const column = (index: number) => stepper.locator(".cir-column").nth(index);
  const tokens = (index = 0) => column(index).locator(".cir-token");
  const ids = (index: number): Promise<(string | null)[]> =>
    tokens(index).evaluateAll((all: unknown[]) =>
      (all as { title: string }[]).map((token) => /id \d+/.exec(token.title)![0]),
    );
  /** Tokens, executions and end of all branches, as the kernel has them. */
  const lengths = async (): Promise<[number, number, string | null][]> => {
    await notebook.run(indexOf("lengths"));
    const text = await notebook.outputs(indexOf("lengths")).innerText();
    return JSON.parse(text.trim().replaceAll("'", "")) as [number, number, string | null][];
  };
  const caption = (index: number, text: RegExp) => column(index).locator(".cir-caption", { hasText: text }).waitFor();
  let prompt = 0;

  await t.test("a token at a time, and clicks that come fast are done one after another", async () => {
    await notebook.kernelIdle();
    await notebook.run(0);
    await stepper.waitFor();
    prompt = await tokens().count();
    assert.equal(await stepper.locator(".cir-prompt").count(), prompt);
    for (let i = 0; i < 5; i++) await press("Next token");
    await until(async () => (await tokens().count()) === prompt + 5);
    assert.deepEqual(await lengths(), [[prompt + 5, 0, null]]);
    assert.match((await tokens().nth(prompt).getAttribute("title"))!, /sampled, id \d+, logprob -\d/);
  });

  await t.test("a likely token is forced in a fork, beside the branch it came from", async () => {
    await press("Likely tokens");
    const choices = stepper.locator(".cir-candidates button");
    await choices.nth(7).waitFor();
    assert.equal(await choices.count(), 8);
    await choices.nth(2).click();
    await column(1).waitFor();
    await caption(0, /^fork 1 · /);
    assert.equal(await tokens(0).count(), prompt + 6);
    assert.equal(await column(0).locator(".cir-forced").count(), 1);
    assert.equal(await column(0).locator(".cir-differs").count(), 1);
    assert.deepEqual((await ids(0)).slice(0, -1), await ids(1));
    assert.deepEqual(await lengths(), [
      [prompt + 5, 0, null],
      [prompt + 6, 0, null],
    ]);
  });

  await t.test("text is forced in place of a token; its code waits, is run, and is edited", async () => {
    await tokens(0)
      .nth(prompt + 1)
      .click();
    await press("Force another…");
    await stepper.locator("textarea").fill("\n```python\nprint(6 * 7)\n```");
    await press("Force it in a fork");
    await caption(0, /^fork 2 · .*code waits to be executed/);
    await press("Next turn");
    await caption(0, /1 tool calls/);
    await column(0).getByText("Turn 1: ok").click();
    assert.equal(await column(0).locator(".cir-output").innerText(), "42");
    await screenshot(page, "stepper");
    await column(0).getByRole("button", { name: "Edit code…" }).click();
    assert.equal(await stepper.locator("textarea").inputValue(), "print(6 * 7)");
    await stepper.locator("textarea").fill("print(6 * 9)");
    await press("Go on with it in a fork");
    await caption(0, /^fork 3 · .*code waits to be executed/);
    await press("Next turn");
    await caption(0, /^fork 3 · .*1 tool calls/);
    await column(0).getByText("Turn 1: ok").click();
    assert.equal(await column(0).locator(".cir-output").innerText(), "54");
    await column(0).getByRole("button", { name: "Edit output…" }).click();
    await stepper.locator("textarea").fill("NameError: name 'x' is not defined");
    await press("Go on with it in a fork");
    await caption(0, /^fork 4 · /);
    await column(0).getByText("Turn 1: ok, edited").click();
    assert.equal(await column(0).locator(".cir-output").innerText(), "NameError: name 'x' is not defined");
    assert.equal((await lengths()).length, 5);
  });

  await t.test("two branches stand side by side, the same up to where they part", async () => {
    await press("fork 2");
    await stepper.getByLabel("Compare with").selectOption({ label: "fork 3" });
    await caption(1, /^fork 3 · /);
    const [left, right] = [await ids(0), await ids(1)];
    const parting = left.findIndex((id, i) => id !== right[i]);
    assert.ok(parting > prompt && parting < left.length);
    assert.equal(await column(0).locator(".cir-differs").count(), left.length - parting);
    assert.equal(await column(1).locator(".cir-differs").count(), right.length - parting);
    await screenshot(page, "stepper-compare");
  });

  await t.test("a fork with another draw goes another way; finishing gives the reward", async () => {
    await press("main");
    await tokens(0)
      .nth(prompt + 1)
      .click();
    await press("Fork before it");
    await caption(0, /^fork 5 · /);
    await press("Finish");
    await caption(0, /reward -?[\d.]+ \((correct|expected .+)\)/);
    assert.equal(await stepper.getByRole("button", { name: "Next token" }).isDisabled(), true);
    assert.notEqual((await ids(0))[prompt + 1], (await ids(1))[prompt + 1]);
    await press("Close branch");
    await caption(0, /^main · /);
    assert.equal((await lengths()).length, 5);
  });

  await t.test("what goes wrong is said, and the rollout goes on", async () => {
    await tokens(0)
      .nth(prompt + 1)
      .click();
    await press("Force another…");
    await stepper.locator("textarea").fill("日本");
    await press("Force it in a fork");
    const said = stepper.locator(".cir-message");
    await until(async () => (await said.innerText()) !== "…");
    await press("main");
    await press("Next token");
    await until(async () => (await tokens(0).count()) === prompt + 6);
  });

  await t.test("a model's text is text, whatever it says", async () => {
    await notebook.run(indexOf("hostile"));
    const other = notebook.outputs(indexOf("hostile")).locator(".cir-stepper");
    await other.locator(".cir-token").first().waitFor();
    assert.equal(await other.locator("img").count(), 0);
    assert.match(await other.locator(".cir-strip").innerText(), /<img/);
    assert.equal(await page.evaluate("globalThis.hacked"), undefined);
  });

  await t.test("a person writes their turn in the page", async () => {
    await notebook.run(indexOf("person"));
    const place = notebook.outputs(indexOf("person")).locator(".cir-stepper");
    const next = place.getByRole("button", { name: "Next turn" });
    // What waits for them is stopped by a button, and by the kernel's own interrupt.
    await next.click();
    await place.locator("textarea").waitFor();
    await place.getByRole("button", { name: "Stop" }).click();
    await place.locator(".cir-message", { hasText: "Stopped." }).waitFor();
    assert.equal(await place.locator("textarea").count(), 0);
    await next.click();
    await place.locator("textarea").waitFor();
    await notebook.menu("Kernel", "Interrupt Kernel");
    await place.locator(".cir-message", { hasText: /interrupted/i }).waitFor();
    await next.click();
    await place.locator("textarea").fill("```python\nprint(2 ** 10)\n```");
    await place.getByRole("button", { name: "Write and end the turn" }).click();
    await place.locator(".cir-caption", { hasText: "1 tool calls" }).waitFor();
    await place.getByText("Turn 1: ok").click();
    assert.equal(await place.locator(".cir-output").innerText(), "1024");
    assert.ok((await place.locator(".cir-person").count()) > 0);
  });

  await t.test(
    "the saved notebook keeps the tokens of all branches, which stand there without a kernel too",
    async () => {
      await notebook.menu("File", "Save Notebook");
      await until(async () => /fork 4/.test(await readFile(file, "utf8")));
      await notebook.menu("Settings", "Theme", "JupyterLab Dark");
      await page.locator('body[data-jp-theme-light="false"]').waitFor({ state: "attached" });
      await screenshot(page, "stepper-dark");
      const { cells: saved } = JSON.parse(await readFile(file, "utf8")) as {
        cells: { outputs: { data: Record<string, string | string[]> }[] }[];
      };
      const { data } = saved[0]!.outputs[0]!;
      assert.match([data["text/html"]].flat().join(""), /main · task[\s\S]*fork 4 · task/);
      assert.doesNotMatch([data["text/html"]].flat().join(""), /<script|<button/);
      await notebook.menu("Kernel", "Restart Kernel…");
      await notebook.accept();
      await notebook.kernelIdle();
      await notebook.reload();
      await notebook.outputs(indexOf("stepper")).getByText("main · task").waitFor();
    },
  );

  const expected = /model not found|Widget|comm/i;
  assert.deepEqual(
    notebook.errors.filter((error) => !expected.test(error)),
    [],
  );
});
