import compare from "./compare/plugin.ts";
import documents from "./documents/plugin.ts";
import earlyCells from "./early-cells.ts";
import livePanel from "./live-panel.ts";
import logo from "./logo.ts";
import pageDocument from "./page-document.ts";
import pairing from "./pairing/plugin.ts";
import scriptFactory from "./pairing/script-factory.ts";
import runs from "./runs/plugin.ts";
import staleCells from "./stale/plugin.ts";
import terminals from "./terminals.ts";
import trustedScripts from "./trust/trusted-scripts.ts";

/** Our own plugins. */
export default [
  documents,
  earlyCells,
  logo,
  livePanel,
  pageDocument,
  terminals,
  staleCells,
  compare,
  pairing,
  scriptFactory,
  trustedScripts,
  runs,
];
