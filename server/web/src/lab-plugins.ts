import livePanel from "./live-panel.ts";
import logo from "./logo.ts";

/** Our own plugins. */
export default [logo, livePanel];
