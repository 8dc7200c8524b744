import documents from "./documents/plugin.ts";
import livePanel from "./live-panel.ts";
import logo from "./logo.ts";
import terminals from "./terminals.ts";

/** Our own plugins. */
export default [documents, logo, livePanel, terminals];
