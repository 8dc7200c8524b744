import { outcomeOf, type RolloutView } from "../../../../src/display/rollout-view.ts";
import { visibleControls } from "../../../../src/display/token-strip.ts";
import { make, short } from "./dom.ts";

/** A value of a reward's detail on one line. */
function plain(value: unknown): string {
  const text = typeof value === "number" ? short(value) : typeof value === "string" ? value : JSON.stringify(value);
  return visibleControls(text ?? "").slice(0, 500);
}

const written = (rollout: RolloutView): number =>
  rollout.sources.reduce((sum, [source, count]) => sum + (source === "prompt" ? 0 : count), 0);

/** What the verdict rests on, filters' penalties and the turns' own rewards: the parts of a reward. */
export function rewardParts({ reward, turnRewards = [], marks = [] }: RolloutView): [string, string][] {
  return [
    ...Object.entries(reward?.detail ?? {}).map(([name, value]): [string, string] => [name, plain(value)]),
    ...turnRewards.map(({ kind, reward }, i): [string, string] => [`turn ${i + 1} (${kind})`, short(reward)]),
    ...marks.map(({ filter, reason, masked, penalty }): [string, string] => [
      `filter ${filter}`,
      [reason, ...(masked ? ["out of the loss"] : []), ...(penalty ? [`reward ${short(penalty)}`] : [])].join(" · "),
    ]),
  ];
}

/** What is known of a rollout beside its tokens. */
export function rolloutFacts(rollout: RolloutView): HTMLElement {
  const { task, reward, advantage, stopReason, failure, policyVersion, toolCalls } = rollout;
  const parts = rewardParts(rollout);
  const facts: [string, string][] = [
    ["question", task.prompt],
    ["answer", task.answer],
    ...(task.family ? [["family", task.family] satisfies [string, string]] : []),
    ["outcome", failure ? `${outcomeOf(rollout)}: ${failure}` : outcomeOf(rollout)],
    ["ended", stopReason ?? "open"],
    ["tokens", `${written(rollout)} after a prompt of ${rollout.ids.length - written(rollout)}`],
    ["calls", toolCalls.map(({ status }) => status).join(", ") || "none"],
    ...(policyVersion === undefined ? [] : [["policy version", String(policyVersion)] satisfies [string, string]]),
    ...(advantage === undefined ? [] : [["advantage", short(advantage)] satisfies [string, string]]),
  ];
  const list = (entries: readonly [string, string][]) =>
    make(
      "dl",
      { className: "cirlab-facts" },
      ...entries.flatMap(([name, value]) => [make("dt", { text: name }), make("dd", { text: visibleControls(value) })]),
    );
  return make(
    "div",
    { className: "cirlab-rollout-facts" },
    list(facts),
    make(
      "div",
      { className: "cirlab-reward" },
      make("div", { className: "cirlab-reward-head" }, "reward ", make("b", { text: short(reward?.reward) })),
      parts.length ? list(parts) : make("p", { text: reward ? "The reward has no parts." : "Not judged yet." }),
    ),
  );
}
