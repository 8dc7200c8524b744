import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { findChromium } from "../e2e/browser.ts";
import { generatedRun, recordSteps, runNotebook } from "../server/fast-run.ts";
import { type BenchContext, type BenchTable, median } from "./measure.ts";
import { ours, type StartedServer, start } from "./servers.ts";

const stepsASecond = 100;
const steps = 1000;

/** What a page did while it followed a run. */
interface Watched {
  /** Milliseconds between two frames, one after the other. */
  readonly frames: readonly number[];
  /** Milliseconds of tasks of 50 ms and more. */
  readonly blocks: readonly number[];
  /** Steps that the panel was behind the recording when the last one was written. */
  readonly behind: number;
}

/** A recording of a hundred steps a second, followed in the live panel and under its cell at once. */
export async function livePanel(context: BenchContext): Promise<BenchTable[]> {
  const executablePath = findChromium();
  if (!executablePath) return [];
  const rounds: Watched[] = [];
  for (let round = 0; round < Math.min(context.rounds, 3); round++) {
    const server = await start(ours);
    const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
    try {
      rounds.push(await watch(server, await browser.newPage({ viewport: { width: 1500, height: 1000 } })));
    } finally {
      await browser.close();
      await server.stop();
    }
    context.say(`live panel: round ${round + 1} of ${Math.min(context.rounds, 3)}`);
  }
  const slowest = ({ frames }: Watched) => frames.toSorted((a, b) => a - b)[Math.floor(frames.length * 0.95)]!;
  const asked = (value: number) => rounds.map(() => value);
  return [
    {
      title: `A generated recording of ${stepsASecond} steps a second for ${steps / stepsASecond} s, in the live panel and under its cell (Chromium, no GPU)`,
      peer: { name: "asked" },
      rows: [
        {
          what: "frames, median",
          unit: "frames/s",
          ours: rounds.map(({ frames }) => 1000 / median(frames)),
          peer: asked(30),
        },
        { what: "between two frames, 95th percentile", unit: "ms", ours: rounds.map(slowest), peer: [] },
        {
          what: "longest task of the page (0: none took 50 ms)",
          unit: "ms",
          ours: rounds.map(({ blocks }) => Math.max(0, ...blocks)),
          peer: asked(100),
        },
        {
          what: "behind when the last step was recorded",
          unit: "steps",
          ours: rounds.map(({ behind }) => behind),
          peer: [],
        },
      ],
    },
  ];
}

async function watch(server: StartedServer, page: Page): Promise<Watched> {
  const run = await generatedRun(join(server.root, "runs"));
  try {
    await writeFile(join(server.root, "live.ipynb"), runNotebook(run.id));
    await page.goto(server.pageUrl("/notebooks/live.ipynb"));
    await page.waitForSelector("body[data-ready]", { state: "attached" });
    await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
    // It begins under the eyes of a page that follows it: the panel opens.
    await run.acquire();
    run.append({ type: "run-started", step: 0, config: {}, count: steps });
    const panel = page.locator("#cirlab-live-panel");
    await panel.locator(".cirlab-run-status", { hasText: "step 0" }).waitFor();
    await page.evaluate(observe);
    await recordSteps(run, steps, stepsASecond);
    const shown = await panel.locator(".cirlab-run-status").innerText();
    const observed = (await page.evaluate("({ frames: observed.frames, blocks: observed.blocks })")) as Omit<
      Watched,
      "behind"
    >;
    await panel.locator(".cirlab-run-status", { hasText: `step ${steps} of` }).waitFor();
    return { ...observed, behind: steps - Number(/step (\d+)/.exec(shown)![1]) };
  } finally {
    await run.release();
  }
}

/** Runs in the page: counts its frames and its long tasks. */
const observe = `
globalThis.observed = { frames: [], blocks: [] };
let last = performance.now();
const frame = (now) => {
  observed.frames.push(now - last);
  last = now;
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) observed.blocks.push(duration);
}).observe({ type: "longtask" });`;
