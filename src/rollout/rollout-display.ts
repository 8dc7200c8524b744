import type { MimeBundle } from "../display/host.ts";
import { displaySymbol } from "../display/host.ts";
import { html, type RolloutView, rolloutsMimeType, rolloutView, tokenStrip } from "../display/index.ts";
import type { RewardResult } from "../reward/index.ts";
import type { Task } from "./tasks/index.ts";
import type { Token, Trajectory } from "./trajectory.ts";
import { agentSources } from "./trajectory-types.ts";

/** What the picture tells of a rollout. */
export interface RolloutFacts {
  /** What it is called, where there are several. */
  readonly name?: string;
  readonly task: Task;
  readonly trajectory: Trajectory;
  readonly result: RewardResult | undefined;
}

const number = (value: number | undefined, digits: number) => (value === undefined ? "–" : value.toFixed(digits));

/** What hovering over a token tells. */
function title(token: Token, index: number): string {
  const facts = [`#${index}`, token.source, `id ${token.id}`];
  if (token.logprob !== undefined) facts.push(`logprob ${number(token.logprob, 3)}`);
  if (token.entropy !== undefined) facts.push(`entropy ${number(token.entropy, 2)}`);
  return facts.join(", ");
}

/**
 * A rollout as coloured tokens, with how it ended and what it earned; with all its figures, for pages that have a viewer.
 *
 * @param view what the viewer is given, where more is known than these facts.
 */
export function rolloutBundle(rollout: RolloutFacts, view?: RolloutView): MimeBundle {
  const { task, trajectory, result: reward } = rollout;
  const { tokenizer } = trajectory;
  const shown = view ?? rolloutView({ task, trajectory, reward }, (id) => tokenizer.tokenName(id));
  const strip = tokenStrip(
    trajectory.tokens().map((token, i) => ({
      // Special tokens decode to nothing; the strip shows their names.
      text: token.text || tokenizer.tokenName(token.id),
      kind: token.source,
      title: title(token, i),
    })),
  )[displaySymbol]();
  const summary = caption(rollout);
  return {
    "text/plain": `${summary}\n${strip["text/plain"]}`,
    "text/html": `${html`<div><b>${summary}</b></div>`}${strip["text/html"]}`,
    [rolloutsMimeType]: { title: rollout.name ?? "Rollout", rollouts: [shown] },
  };
}

/** How many tokens the policy sampled, and how many each agent wrote. */
function authors({ sources, sampledCount }: Trajectory): string {
  const written = agentSources.flatMap((source) => {
    const count = sources.filter((one) => one === source).length;
    return count ? [`${count} by ${source === "remote" ? "a remote model" : `a ${source}`}`] : [];
  });
  return [...(sampledCount || !written.length ? [`${sampledCount} sampled`] : []), ...written].join(", ");
}

function caption({ name, task, trajectory, result }: RolloutFacts): string {
  const { toolCalls, stopReason, pendingCode } = trajectory;
  const parts = [
    ...(name === undefined ? [] : [name]),
    `task ${task.family}: ${task.prompt}`,
    `${trajectory.length} tokens, ${authors(trajectory)}, ${toolCalls.length} tool calls`,
  ];
  if (pendingCode !== null) parts.push("code waits to be executed");
  parts.push(stopReason === null ? "open" : stopReason);
  if (result) parts.push(`reward ${result.reward} (${result.correct ? "correct" : `expected ${task.answer}`})`);
  return parts.join(" · ");
}
