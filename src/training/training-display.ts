import { displaySymbol } from "../display/host.ts";
import {
  formatNumber,
  formatPercent,
  html,
  type MimeBundle,
  rolloutsMimeType,
  table,
  withDisplay,
} from "../display/index.ts";
import { rolloutBundle } from "../rollout/rollout-display.ts";
import type { Advantages, Batch, ScoredRollout } from "./batch.ts";
import type { InfluenceReport } from "./gradients.ts";
import type { ObjectiveReport } from "./objective.ts";
import { rolloutsOutput, scoredView } from "./rollout-output.ts";
import type { UpdateReport } from "./types.ts";

const firstRollouts = 24;
const shownTokens = 60;

/** A batch that shows itself as a table, and each of its rollouts as coloured tokens. */
export function shownBatch(batch: Batch): Batch {
  for (const rollout of batch.rollouts) withDisplay(rollout, scoredBundle);
  return withDisplay(batch, batchBundle);
}

/** Some rollouts that show themselves one below the other, as coloured tokens. */
export function shownRollouts(batch: Batch): Batch {
  return withDisplay(shownBatch(batch), (shown) => {
    const bundles = shown.rollouts.map(scoredBundle);
    return {
      [rolloutsMimeType]: rolloutsOutput(`Rollouts of step ${shown.step + 1}`, shown),
      "text/plain": bundles.map((bundle) => bundle["text/plain"]).join("\n\n"),
      "text/html": bundles.map((bundle) => bundle["text/html"]).join(`${html`<div style="height:.8em"></div>`}`),
    };
  });
}

const scoredBundle = (rollout: ScoredRollout): MimeBundle => {
  const { group, sample, task, trajectory, reward } = rollout;
  const name = `rollout ${group}/${sample}`;
  return rolloutBundle({ name, task, trajectory, result: reward }, scoredView(rollout));
};

/** A batch as a table: one row per rollout, the first two dozen. */
function batchBundle(batch: Batch): MimeBundle {
  const rows = batch.rollouts.slice(0, firstRollouts).map(({ task, group, sample, trajectory, reward }) => ({
    group,
    sample,
    task: task.prompt,
    answer: task.answer,
    reward: reward.reward,
    "tool calls": trajectory.toolCalls.length,
    sampled: trajectory.sampledCount,
    stop: trajectory.stopReason ?? "",
    response: trajectory.text,
  }));
  const rest = batch.rollouts.length - rows.length;
  const caption = `Batch of step ${batch.step}: ${batch.rollouts.length} rollouts${rest > 0 ? `, the first ${rows.length}` : ""}`;
  return { ...table(rows, { caption })[displaySymbol](), [rolloutsMimeType]: rolloutsOutput(caption, batch) };
}

/** An objective as a table: one row per trained token, the first sixty. Viewers get its figures token by token. */
export function objectiveBundle(objective: ObjectiveReport, batch: Batch, advantages: Advantages): MimeBundle {
  const rows = objective.tokens.slice(0, shownTokens).map((term) => ({
    rollout: term.rollout,
    token: term.token,
    text: JSON.stringify(term.text),
    logprob: formatNumber(term.logprob),
    source: term.source,
    old: formatNumber(term.oldLogprob),
    ...(term.refLogprob !== undefined && { ref: formatNumber(term.refLogprob) }),
    ratio: formatNumber(term.ratio, 6),
    ...(term.value !== undefined && { value: formatNumber(term.value) }),
    ...(term.return !== undefined && { return: formatNumber(term.return) }),
    advantage: formatNumber(term.advantage),
    clipped: term.clipped ? "yes" : "",
    "loss term": formatNumber(term.lossTerm),
  }));
  const figures = Object.entries(objective.metrics).map(([name, value]) => `${name} ${formatNumber(value)}`);
  const rest = objective.tokens.length > rows.length ? `, the first ${rows.length}` : "";
  const caption = `Objective over ${objective.tokens.length} trained tokens${rest} (${figures.join(", ")})`;
  return {
    ...table(rows, { caption })[displaySymbol](),
    [rolloutsMimeType]: rolloutsOutput(caption, batch, { advantages, objective }),
  };
}

/** Influences as a table: the strongest two dozen. */
export function influenceBundle(report: InfluenceReport): MimeBundle {
  const rows = report.rollouts.slice(0, firstRollouts).map((influence) => ({
    group: influence.group,
    sample: influence.sample,
    reward: influence.reward,
    advantage: formatNumber(influence.advantage),
    "gradient norm": formatNumber(influence.gradNorm),
    cosine: formatNumber(influence.cosine),
    share: formatPercent(influence.share),
  }));
  const rest = report.rollouts.length > rows.length ? `, the strongest ${rows.length}` : "";
  const caption = `Influence of ${report.rollouts.length} rollouts on a gradient of norm ${formatNumber(report.gradNorm)}${rest}`;
  return table(rows, { caption })[displaySymbol]();
}

/** An update as a table of its figures. */
export function updateBundle(update: UpdateReport): MimeBundle {
  const rows = Object.entries(update).map(([figure, value]) => ({ figure, value: formatNumber(Number(value)) }));
  return table(rows, { caption: "Update" })[displaySymbol]();
}
