import livePanel from "./live-panel.ts";
import logo from "./logo.ts";
import terminals from "./terminals.ts";

/** Our own plugins. */
export default [logo, livePanel, terminals];
