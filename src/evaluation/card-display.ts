import { formatNumber, formatPercent } from "../display/format.ts";
import { displaySymbol, type MimeBundle } from "../display/host.ts";
import { type Table, table } from "../display/table.ts";
import { settingsText } from "./scores.ts";
import { type Estimate, mean } from "./statistics.ts";
import { type EvaluationSettings, type EvaluationSummary, errorHistory, type TaskResult } from "./summary.ts";

type Summaries = Readonly<Record<string, EvaluationSummary>>;

interface ShownCard {
  name: string;
  seconds: number | undefined;
  settings: EvaluationSettings | undefined;
  summary: EvaluationSummary;
  families: Summaries;
  groups: Readonly<Record<string, Summaries>>;
}

/** Tables of families, the whole last, of the tasks' other groups, and of what became of the code. */
export function cardBundle(card: ShownCard): MimeBundle {
  const { summary, families, groups } = card;
  const tables = [
    groupTable("family", { ...families, all: summary }, summary, caption(card)),
    ...Object.entries(groups)
      // What groups the tasks as their families do, or not at all, says nothing new.
      .filter(
        ([, group]) => Object.keys(group).length > 1 && Object.keys(group).join() !== Object.keys(families).join(),
      )
      .map(([label, group]) => groupTable(label, sorted(group), summary, `By ${label}`)),
    ...historyTable(summary),
  ].map((one) => one[displaySymbol]());
  return {
    "text/plain": tables.map((one) => one["text/plain"]).join("\n"),
    "text/html": tables.map((one) => one["text/html"]).join(""),
  };
}

function caption({ name, seconds, settings, summary }: ShownCard): string {
  const { samples, tasks, totalTokens, toolSeconds } = summary;
  const cost = [
    `${formatNumber(totalTokens)} tokens sampled`,
    ...(toolSeconds === undefined ? [] : [`${toolSeconds.toFixed(1)} s in tools`]),
    ...(seconds === undefined ? [] : [`${seconds.toFixed(1)} s in all`]),
  ];
  const what = `${name}: ${formatNumber(samples)} responses to ${formatNumber(tasks)} tasks, ${cost.join(", ")}`;
  return `${what}${settings ? ` (${settingsText(settings)})` : ""}`;
}

function groupTable(label: string, group: Summaries, whole: EvaluationSummary, title: string): Table {
  const samples = Math.max(...Object.keys(whole.passAtK).map(Number));
  const average = `avg@${samples}`;
  const pass = `pass@${samples}`;
  const majority = `maj@${samples}`;
  const rows = Object.entries(group).map(([name, summary]) => ({
    [label]: name,
    tasks: summary.tasks,
    [average]: summary.accuracy.value,
    "95 % interval": interval(summary.accuracy),
    [pass]: summary.passAtK[samples] ?? "",
    [majority]: summary.majority,
    "used code": summary.codeShare,
    "right answers that used code": summary.codeShareOfCorrect,
    "tool calls": summary.meanToolCalls,
    ...(whole.passRate !== undefined && { "code that ran": summary.passRate ?? "" }),
    tokens: summary.meanTokens,
  }));
  const shares = [average, pass, majority, "used code", "right answers that used code", "code that ran"];
  return table(rows, {
    caption: title,
    formats: {
      ...Object.fromEntries(
        shares.map((column) => [
          column,
          (share: number | string) => (typeof share === "string" ? share : formatPercent(share)),
        ]),
      ),
      tokens: (tokens: number) => tokens.toFixed(1),
      "tool calls": (calls: number) => calls.toFixed(2),
    },
    align: { "95 % interval": "right" },
  });
}

/** Levels and subjects in their own order: numbers by size, words by the alphabet. */
const sorted = (group: Summaries): Summaries =>
  Object.fromEntries(Object.entries(group).sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true })));

function historyTable({ histories }: EvaluationSummary): Table[] {
  const rows = Object.entries(histories).map(([code, { samples: count, accuracy }]) => ({
    code,
    responses: count,
    right: formatPercent(accuracy),
  }));
  return rows.length < 2 ? [] : [table(rows, { caption: "Right answers by what became of the code" })];
}

/** Each task with its share of right answers, and what its responses took. */
export function problemTable(name: string, tasks: readonly TaskResult[]): Table {
  return table(
    tasks.map(({ taskId, family, labels, samples }) => ({
      task: taskId,
      family,
      ...labels,
      responses: samples.length,
      right: formatPercent(mean(samples.map(({ correct }) => (correct ? 1 : 0)))),
      tokens: mean(samples.map(({ tokens }) => tokens)).toFixed(1),
      "tool calls": mean(samples.map(({ toolCalls }) => toolCalls)).toFixed(2),
      "code fixed": samples.filter(({ executions = [] }) => errorHistory(executions) === "error, then fixed").length,
    })),
    { caption: `${name}, task by task` },
  );
}

const interval = ({ low, high }: Estimate): string => `${formatPercent(low)} to ${formatPercent(high)}`;
