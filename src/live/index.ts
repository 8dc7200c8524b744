export { RunBrowser } from "./browse/browser.ts";
export type { RunDetails, RunRow } from "./browse/catalogue.ts";
export { serveRuns } from "./comm.ts";
export { type FoundRuns, findRuns, isRun, runParts } from "./find-runs.ts";
export { LiveRuns } from "./live-runs.ts";
export type { CommandReply } from "./messages.ts";
export { Reader } from "./reader.ts";
