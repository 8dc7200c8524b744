export { bundleOf, type Displayable, isDisplayable } from "./bundle.ts";
export {
  type Bar,
  barChart,
  Chart,
  type ChartOptions,
  lineChart,
  palette,
  type Series,
} from "./chart.ts";
export type { VegaLiteSpec } from "./chart-svg.ts";
export { Display, type DisplayOptions, type Render, show, updateDisplay } from "./display.ts";
export { formatBytes, formatDuration, formatNumber, formatPercent } from "./format.ts";
export {
  type Comm,
  type CommBuffer,
  displaySymbol,
  type HostWidget,
  host,
  type JupyterHost,
  type MimeBundle,
  tracebackSymbol,
} from "./host.ts";
export { escapeMarkup, type HtmlPart, html, SafeHtml } from "./html.ts";
export { type InputOptions, input } from "./input.ts";
export { LivePanel, type LivePanelOptions, type PanelMetric, runMimeType } from "./live-panel.ts";
export { ProgressBar, type ProgressItems, type ProgressOptions, progress } from "./progress.ts";
export {
  type RolloutsOutput,
  type RolloutView,
  rolloutsMimeType,
  rolloutView,
  type ViewedRollout,
} from "./rollout-view.ts";
export { sparkline } from "./series.ts";
export { holdCell, inBackground, registerMagic, shield, signal, throwIfInterrupted } from "./session.ts";
export { type Align, Table, type TableOptions, table } from "./table.ts";
export { type StripToken, TokenStrip, type TokenStripOptions, tokenStrip, visibleText } from "./token-strip.ts";
export { withDisplay } from "./with-display.ts";
