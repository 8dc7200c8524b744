import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg } from "node:os";
import { InvalidInputError } from "../../src/base/errors.ts";
import { type BenchRow, type BenchTable, median, ratios } from "./measure.ts";

const number = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString("en-US") : value >= 100 ? value.toFixed(0) : value.toPrecision(3);

const spread = (values: readonly number[]): string =>
  values.length > 1
    ? `${number(median(values))} (${number(Math.min(...values))}..${number(Math.max(...values))})`
    : number(median(values));

const ratioText = (row: BenchRow): string => {
  if (!row.peer.length) return "";
  const values = ratios(row);
  // What took no time that could be measured is in no proportion to anything.
  if (!values.every(Number.isFinite)) return "";
  return `${median(values).toFixed(2)}x (${Math.min(...values).toFixed(2)}..${Math.max(...values).toFixed(2)})`;
};

/** A table as Markdown: medians over the rounds with the smallest and largest, and the ratio of each round's pair. */
export function tableText({ title, peer, rows, notes = [] }: BenchTable): string {
  const missing = "missing" in peer;
  const header = missing ? ["", "ours"] : ["", "ours", peer.name, "ratio"];
  const lines = rows.map((row) => {
    const cells = [`${row.what}, ${row.unit}`, spread(row.ours)];
    return missing ? cells : [...cells, row.peer.length ? spread(row.peer) : "", ratioText(row)];
  });
  const widths = header.map((cell, i) => Math.max(3, cell.length, ...lines.map((line) => line[i]!.length)));
  const line = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  const below = [
    ...(missing ? [`Not compared: ${peer.missing}`] : []),
    ...notes.map((note) => `Not measured: ${note}`),
  ];
  return [`**${title}**`, "", line(header), rule, ...lines.map(line), ...below.flatMap((note) => ["", note])].join(
    "\n",
  );
}

/** Date, commit, machine and how busy it was: what the figures were taken with. */
export function conditions(root: string, rounds: number): string {
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", root, ...args], { encoding: "utf8", stdio: "pipe" }).trim();
  let commit: string;
  try {
    commit = git("rev-parse", "--short", "HEAD");
    if (git("status", "--porcelain", "--", "src", "kernel", "package-lock.json")) commit += " with changes";
  } catch {
    commit = "unknown";
  }
  const date = new Date().toISOString().slice(0, 10);
  const cpu = cpus()[0]?.model.trim() ?? process.arch;
  const load = loadavg()[0]!.toFixed(1);
  return `${date}, commit ${commit}; ${availableParallelism()} cores of ${cpu}, Node.js ${process.versions.node}; load average ${load} at the end; medians of ${rounds} (smallest..largest).`;
}

/**
 * A document with the part between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` replaced.
 *
 * @throws InvalidInputError where a marker is missing.
 */
export function replaceSection(document: string, name: string, content: string): string {
  const [open, close] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [from, to] = [document.indexOf(open), document.indexOf(close)];
  if (from < 0 || to < from)
    throw new InvalidInputError(
      `BENCHMARKS.md has no part ${open} … ${close}.`,
      "Put both markers back on lines of their own.",
    );
  return `${document.slice(0, from + open.length)}\n${content}\n${document.slice(to)}`;
}
