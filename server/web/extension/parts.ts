import uPlotStyle from "uplot/dist/uPlot.min.css";
import labStyle from "../src/lab.css";
import runRenderer from "../src/live/run-renderer.ts";
import rolloutsRenderer from "../src/rollouts/renderer.ts";
import rolloutsStyle from "../src/rollouts/rollouts.css";
import runsStyle from "../src/runs/runs.css";
import labPlugin from "./lab-plugin.ts";

const sheet = document.createElement("style");
sheet.textContent = [uPlotStyle, labStyle, rolloutsStyle, runsStyle].join("\n");
document.head.append(sheet);

/** Shows outputs. */
export const mimeExtension = [runRenderer, rolloutsRenderer];
/** Adds to the application. */
export const extension = [labPlugin];
