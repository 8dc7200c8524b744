import assert from "node:assert/strict";
import { cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { BrowserContext, Locator } from "playwright-core";
import { rolloutsMimeType } from "../../src/display/rollout-view.ts";
import { PythonInterpreter } from "../../src/interpreter/index.ts";
import { type Run, recordedRolloutViews } from "../../src/recording/index.ts";
import { makeRun, recorded } from "../server/recorded-runs.ts";
import { startServer, type TestServer } from "../server/server.ts";
import { smallTrainer } from "../training/time-tools.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NotebookPage, patienceMs, screenshot } from "./browser.ts";

const hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

/** One execution whose output stands at these tokens. */
const call = (start: number, end: number): object => ({
  ...{ code: "\nprint(6*7)\n", feedback: "42", start, end, edited: false },
  result: { status: "error", stdout: "", stderr: hostile, error: { name: "NameError", message: "x" }, durationMs: 3 },
});

/** A run whose fifth step is large, with a hostile rollout and one that calls a tool. */
async function makeLargeRun(folder: string): Promise<Run> {
  const run = await makeRun(folder, "large", 5, { learningRate: 0.2, clip: 0.4 });
  const rollouts = Array.from({ length: 3000 }, (_, i) => recorded(Math.floor(i / 8), i % 8, `number ${i}`));
  rollouts[0] = recorded(0, 0, hostile, { advantage: -1.5 });
  const tool = recorded(0, 1, "run:4242.", { advantage: 1.5 }) as {
    trajectory: { sources: string[]; toolCalls: object[] };
  };
  tool.trajectory.sources.fill("tool", 9, 13);
  tool.trajectory.toolCalls.push(call(9, 13));
  rollouts[1] = tool;
  await run.writeRollouts(5, rollouts);
  return run;
}

/** A notebook with the output that a rollout leaves. */
async function writeOutputs(server: TestServer, run: Run): Promise<void> {
  const rollouts = await recordedRolloutViews(run.folder, 5);
  const data = {
    "text/plain": "two rollouts",
    "text/html": "<p>saved table</p>",
    [rolloutsMimeType]: { title: "Two rollouts", rollouts: rollouts.slice(0, 2), total: 3000 },
  };
  const broken = { "text/plain": "broken", [rolloutsMimeType]: { title: "x", rollouts: [{ ids: [1], texts: [] }] } };
  const cells = [broken, data].map((bundle, i) => ({
    ...{ cell_type: "code", id: `c${i}`, source: "batch", metadata: {}, execution_count: 1 },
    outputs: [{ output_type: "execute_result", execution_count: 1, metadata: {}, data: bundle }],
  }));
  const metadata = { kernelspec: { name: "cirlab", display_name: "TypeScript (CIR Lab)", language: "typescript" } };
  await writeFile(
    join(server.root, "shown.ipynb"),
    JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }),
  );
}

test("the browser of runs and the viewer of rollouts in Chromium", async (t) => {
  const executable = findChromium();
  if (!executable) return t.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH");
  const server = await startServer(t);
  const folder = join(server.root, "study", "runs");
  const large = await makeLargeRun(folder);
  await large.close();
  await cp(large.folder, join(folder, "broken"), { recursive: true });
  await writeFile(join(folder, "broken", "config.json"), "{");
  await writeOutputs(server, large);
  const interpreter = await PythonInterpreter.start({ lanes: 1 });
  await mkdir(join(server.root, "real"));
  const trainer = await smallTrainer({ checkpointEvery: 0, interpreter });
  await trainer.train(2, { record: join(server.root, "real", "runs") }).done();
  await interpreter.close();
  const [real] = await readdir(join(server.root, "real", "runs"));

  const browser = await launchBrowser(t, executable);
  const context: BrowserContext = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(patienceMs);
  const tree = await NotebookPage.open(context, `${server.url}/tree?token=${server.token}`);
  const { page } = tree;
  const row = (name: string): Locator => page.locator(".cirlab-run-list tbody tr", { hasText: name });
  const crumbs = async (): Promise<string> => (await page.locator(".cirlab-crumb").allInnerTexts()).join(" › ");
  const at = async (last: string): Promise<void> => void (await until(async () => (await crumbs()).endsWith(last)));
  const hash = (): string => decodeURIComponent(new URL(page.url()).hash);

  await t.test("all runs are listed, damaged ones with the reason", async () => {
    await page.locator(".lm-TabBar-tab", { hasText: "Runs" }).click();
    await row(large.id).waitFor();
    assert.match(await row(large.id).innerText(), /died.*5.*reward 0\.5/s);
    assert.match(await row("broken").innerText(), /config.json is damaged.*damaged/s);
    assert.match(await row(real!).innerText(), /completed/);
    await screenshot(page, "runs");
  });

  await t.test("from the run's alert to the rollout, its tokens, and back by Escape", async () => {
    await row(large.id).focus();
    await page.keyboard.press("Enter");
    await page.locator(".cirlab-metric-chart canvas").waitFor();
    await screenshot(page, "run");
    await page.locator(".cirlab-events li", { hasText: "reward fell" }).getByText("0/1").click();
    await at("rollout 0/1");
    assert.equal(hash(), `#/runs/study/runs/${large.id}/5/0/1`);
    const block = page.locator(".cirlab-call");
    assert.match(await block.locator("summary").innerText(), /Call 1.*error.*NameError: x.*3 ms/s);
    assert.equal(await block.locator("pre").first().innerText(), "print(6*7)");
    await block.locator("summary").click();
    assert.equal(await block.locator("pre").first().isVisible(), false);
    // Going on to the tool's output unfolds it.
    await page.locator(".cirlab-rollout").focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowRight");
    const card = page.locator(".cirlab-token-card");
    await card.filter({ hasText: "tool output" }).waitFor();
    assert.equal(await block.locator("pre").first().isVisible(), true);
    assert.match(hash(), /\/5\/0\/1\/9$/);
    await page.locator('.cirlab-token[data-token="6"]').hover();
    await card.filter({ hasText: /logprob\s*-0\.5\s*entropy\s*1\.5\s*advantage\s*1\.5/ }).waitFor();
    for (const place of ["rollout 0/1", "group 0", "step 5", large.id]) {
      await page.keyboard.press("Escape");
      await at(place);
    }
    await page.keyboard.press("Escape");
    await row(large.id).waitFor();
  });

  await t.test("the browser's way back, and the address after a reload, lead to the same place", async () => {
    await page.goBack();
    await at(large.id);
    await page.goBack();
    await at("step 5");
    await tree.reload();
    await at("step 5");
    await page.locator(".cirlab-rows .cirlab-row").first().waitFor();
  });

  await t.test("three thousand rollouts: searched, filtered, sorted, with few rows in the page", async () => {
    const rows = page.locator(".cirlab-rows .cirlab-row");
    const count = page.locator(".cirlab-count");
    await count.filter({ hasText: "3000 rollouts" }).waitFor();
    await page.locator(".cirlab-rows").focus();
    await page.keyboard.press("End");
    await rows.filter({ hasText: "number 2999" }).waitFor();
    assert.ok((await rows.count()) < 80);
    await screenshot(page, "rollouts");
    await page.getByLabel("Search").fill("NUMBER 299");
    await count.filter({ hasText: "11 of 3000" }).waitFor();
    await page.locator(".cirlab-rollout-list input[type=checkbox]").check();
    await page.getByLabel("Search").fill("number 29[0-9]$");
    await count.filter({ hasText: "10 of 3000" }).waitFor();
    await page.getByLabel("Search").fill("number 29[");
    await page.locator(".cirlab-rollout-list .cirlab-trouble", { hasText: "Not a regular expression" }).waitFor();
    await page.getByLabel("Search").fill("");
    await page.locator(".cirlab-filters summary").click();
    await page.getByLabel("outcome").selectOption("correct");
    await count.filter({ hasText: "375 of 3000" }).waitFor();
    await page.getByLabel("outcome").selectOption("");
    await page.getByLabel("calls, from").fill("1");
    await count.filter({ hasText: "1 of 3000" }).waitFor();
    await page.getByLabel("calls, from").fill("");
    const reward = page.locator(".cirlab-row-head button", { hasText: "reward" });
    await reward.click();
    await reward.click();
    assert.equal(await rows.first().getAttribute("data-place"), "0/7");
  });

  await t.test("a group side by side, coloured by what was recorded; a model's text is text", async () => {
    await page.locator(".cirlab-row-head button", { hasText: "rollout" }).click();
    await page.locator('.cirlab-row[data-place="0/0"]').click();
    await at("rollout 0/0");
    await page.locator(".cirlab-crumb", { hasText: "group 0" }).click();
    const columns = page.locator(".cirlab-group-column");
    await columns.nth(7).waitFor();
    assert.match(await columns.nth(0).innerText(), /reward 0\s*advantage -1\.5.*<img src=x onerror/s);
    const colour = page.getByLabel("Colour by");
    const ratio = colour.locator("option", { hasText: "ratio" });
    assert.equal(await ratio.innerText(), "ratio (not recorded)");
    assert.equal(await ratio.evaluate((option) => (option as HTMLOptionElement).disabled), true);
    await colour.selectOption("advantage");
    const tint = (column: number, token: number) =>
      columns
        .nth(column)
        .locator(`.cirlab-token[data-token="${token}"]`)
        .evaluate((node) => node.style.backgroundColor);
    assert.match(await tint(0, 8), /^rgba\(230, 120, 0/);
    assert.match(await tint(1, 8), /^rgba\(0, 114, 178/);
    assert.equal(await tint(1, 0), "", "the prompt has no advantage");
    await screenshot(page, "group");
    assert.equal(await page.evaluate(() => (globalThis as { hacked?: unknown }).hacked), undefined);
    assert.equal(await page.locator(".cirlab-explorer img, .cirlab-explorer script").count(), 0);
  });

  await t.test("a real training's rollouts can be opened", async () => {
    await page.goto(`${server.url}/tree#/runs/${encodeURIComponent(`real/runs/${real}`)}/1/0/0`);
    await at("rollout 0/0");
    const colour = page.getByLabel("Colour by");
    await colour.selectOption("advantage");
    await screenshot(page, "rollout");
  });

  await t.test("runs compared: one chart, and the settings that differ", async () => {
    await page.locator(".cirlab-crumb", { hasText: "Runs" }).click();
    const second = await makeRun(folder, "second", 3);
    await second.close();
    await tree.reload();
    for (const name of [large.id, second.id]) await row(name).locator("input").check();
    await page.getByRole("button", { name: "Compare 2 runs" }).click();
    const lines = page.locator(".cirlab-comparison tbody tr");
    await lines.first().waitFor();
    const told = await lines.allInnerTexts();
    assert.deepEqual(told.map((line) => line.split(/\s+/)).sort(), [
      ["clip", "0.4", "–"],
      ["learningRate", "0.2", "0.1"],
    ]);
    assert.equal(await page.locator(".cirlab-metric-chart canvas").count(), 1);
    await screenshot(page, "compare");
  });

  await t.test("a run that trains now is followed, and is not removed", async () => {
    const growing = await makeRun(folder, "growing", 2);
    await growing.acquire();
    await page.goto(`${server.url}/tree#/runs/${encodeURIComponent(`study/runs/${growing.id}`)}`);
    const head = page.locator(".cirlab-run-head");
    await head.filter({ hasText: /running.*step 2/s }).waitFor();
    growing.append({ type: "step", step: 3, metrics: { reward: 0.7 } });
    await head.filter({ hasText: /running.*step 3/s }).waitFor();
    const remove = async (): Promise<void> => {
      await page.getByRole("button", { name: "Remove…" }).click();
      await tree.accept();
    };
    await remove();
    await page.locator(".jp-Dialog", { hasText: "is being trained" }).waitFor();
    await tree.accept();
    await growing.release();
    await growing.close();
    await remove();
    await row(large.id).waitFor();
    assert.equal(await row(growing.id).count(), 0);
    assert.ok(!(await readdir(folder)).includes(growing.id));
  });

  await t.test("an output of rollouts is a viewer; one that is broken is told", async () => {
    const notebook = await NotebookPage.open(context, `${server.url}/notebooks/shown.ipynb`);
    await notebook.cell(0).getByText("holds no rollouts that can be shown").waitFor();
    const viewer = notebook.outputs(1);
    await viewer.locator(".cirlab-crumb", { hasText: "Two rollouts, the first 2 of 3000" }).waitFor();
    await viewer.locator('.cirlab-row[data-place="0/1"]').click();
    await viewer.locator(".cirlab-rollout").waitFor();
    await viewer.getByLabel("Colour by").selectOption("advantage");
    await notebook.page.keyboard.press("Tab");
    await viewer.locator(".cirlab-rollout").press("Escape");
    await viewer.locator(".cirlab-group").waitFor();
    await screenshot(notebook.page, "rollouts-output");
    const opened = context.waitForEvent("page");
    await notebook.menu("View", "Training Runs");
    const runs = await NotebookPage.of(await opened);
    await runs.page.locator(".cirlab-run-list tbody tr", { hasText: large.id }).waitFor();
    assert.deepEqual(runs.errors, []);
    await runs.page.close();
  });

  await t.test("the page's console showed no error but those that were asked for", () => {
    const asked = /status of (?:400|409)/;
    assert.deepEqual(
      tree.errors.filter((error) => !asked.test(error)),
      [],
    );
  });
});
