import { createHash } from "node:crypto";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/** A Vega-Lite 5 specification as plain data. */
export type VegaLiteSpec = Readonly<Record<string, unknown>>;

/** Exists, but vega's types leave it out. */
const { resetSVGDefIds } = vega as unknown as { resetSVGDefIds(): void };

/** Draws a Vega-Lite specification that holds its own data. Imported when the first chart is drawn: vega is large. */
export async function renderSvg(spec: VegaLiteSpec): Promise<string> {
  // A copy: vega marks the rows that it is given.
  const { spec: compiled } = compile(structuredClone(spec) as unknown as TopLevelSpec);
  // A chart shows what it was given; it fetches nothing.
  const closed = { ...vega.loader(), load: () => Promise.reject(new Error("Charts load no data.")) };
  const view = new vega.View(vega.parse(compiled), { renderer: "none", logLevel: vega.Warn, loader: closed });
  try {
    await view.runAsync();
    resetSVGDefIds(); // Else the ids of clip paths would count up from chart to chart.
    const svg = await view.toSVG();
    // Two charts may stand in one page: ids are named by what they belong to.
    const name = createHash("sha256").update(svg).digest("hex").slice(0, 8);
    return svg.replace(/(<clipPath id="|url\(#)(clip\d)/g, `$1chart-${name}-$2`);
  } finally {
    view.finalize();
  }
}
