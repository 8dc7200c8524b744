import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { findChromium } from "../e2e/browser.ts";
import type { BenchContext, BenchTable } from "./measure.ts";
import { ours, start } from "./servers.ts";

/** A notebook's page in a browser that has never seen it: until something is painted, until cells are there, and bytes. */
export async function pageLoads(context: BenchContext): Promise<BenchTable[]> {
  const executablePath = findChromium();
  if (!executablePath) return [];
  const painted: number[] = [];
  const shown: number[] = [];
  const mebibytes: number[] = [];
  const server = await start(ours);
  try {
    const cell = { cell_type: "code", execution_count: null, id: "a", metadata: {}, outputs: [], source: "1 + 1" };
    const metadata = { kernelspec: { name: "cirlab", display_name: "TypeScript (CIR Lab)", language: "typescript" } };
    await writeFile(
      join(server.root, "page.ipynb"),
      JSON.stringify({ cells: [cell], metadata, nbformat: 4, nbformat_minor: 5 }),
    );
    for (let round = 0; round < context.rounds; round++) {
      const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
      try {
        const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
        const network = await page.context().newCDPSession(page);
        await network.send("Network.enable");
        let bytes = 0;
        network.on("Network.loadingFinished", ({ encodedDataLength }) => {
          bytes += encodedDataLength;
        });
        await page.goto(server.pageUrl("/notebooks/page.ipynb"));
        await page.locator(".jp-Notebook .jp-Cell .cm-content").first().waitFor();
        shown.push(await page.evaluate(() => performance.now()));
        await page.waitForSelector("body[data-ready]", { state: "attached" });
        await page.waitForLoadState("networkidle");
        painted.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]!.startTime));
        mebibytes.push(bytes / 2 ** 20);
      } finally {
        await browser.close();
      }
      context.say(`page: round ${round + 1} of ${context.rounds}`);
    }
  } finally {
    await server.stop();
  }
  const asked = (most: number) => painted.map(() => most);
  return [
    {
      title: "First visit to a notebook's page (Chromium, nothing cached)",
      peer: { name: "asked" },
      rows: [
        { what: "first contentful paint", unit: "ms", ours: painted, peer: asked(2000) },
        { what: "the notebook's cells are there", unit: "ms", ours: shown, peer: [] },
        { what: "over the wire, compressed", unit: "MiB", ours: mebibytes, peer: asked(6e6 / 2 ** 20) },
      ],
    },
  ];
}
