import rolloutsRenderer from "../src/rollouts/renderer.ts";
import style from "../src/rollouts/rollouts.css";

const sheet = document.createElement("style");
sheet.textContent = style;
document.head.append(sheet);

/** What works in JupyterLab from an output alone. Runs have their saved picture there: our server has the rest. */
export default [rolloutsRenderer];
