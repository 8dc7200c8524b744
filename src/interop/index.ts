export { diffRuns } from "./diff-runs.ts";
export { Export, type ExportOptions, exportFormats, exportRun } from "./export.ts";
export type { ExportedFile } from "./exported.ts";
