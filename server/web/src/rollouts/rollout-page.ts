import type { RolloutView } from "../../../../src/display/rollout-view.ts";
import { choice, make } from "./dom.ts";
import { rolloutFacts } from "./facts.ts";
import { heats, offeredHeats, recordedFigures } from "./heat.ts";
import { sourceLegend, type TokenCard, TokenStrip } from "./token-strip.ts";

/** The colouring that the reader chose last; pages of other rollouts keep it. */
let chosenHeat = "";

/** A choice of what the tokens' colours say. */
export function heatChoice(rollouts: readonly RolloutView[], paint: (key: string) => void): HTMLElement {
  const recorded = recordedFigures(rollouts);
  const offered = offeredHeats(recorded);
  if (!recorded.has(chosenHeat)) chosenHeat = "";
  const legend = make("span", { className: "cirlab-heat-legend" });
  const act = (key: string) => {
    chosenHeat = key;
    legend.textContent = heats.find((heat) => heat.key === key)?.legend ?? "";
    paint(key);
  };
  const label = choice(
    "Colour by",
    [
      ["", "who wrote it"],
      ...offered.map(
        ({ heat, isRecorded }) => [heat.key, isRecorded ? heat.label : `${heat.label} (not recorded)`] as const,
      ),
    ],
    chosenHeat,
    act,
  );
  for (const option of label.querySelectorAll("option"))
    option.disabled = option.value !== "" && !recorded.has(option.value);
  act(chosenHeat);
  return make("div", { className: "cirlab-heat" }, label, legend);
}

/** One rollout in full. */
export class RolloutPage {
  readonly node = make("div", { className: "cirlab-rollout", attributes: { tabindex: "0", "aria-label": "Rollout" } });
  readonly strip: TokenStrip;

  /** @param onToken the reader put the cursor on a token. */
  constructor(rollout: RolloutView, card: TokenCard, onToken: (token: number) => void) {
    this.strip = new TokenStrip(rollout, card, onToken);
    const paint = (key: string) => this.strip.paint(heats.find((heat) => heat.key === key));
    this.node.append(
      rolloutFacts(rollout),
      make("div", { className: "cirlab-tools" }, heatChoice([rollout], paint), sourceLegend([rollout])),
      this.strip.node,
    );
    const go = (token: number) => {
      this.strip.moveTo(token);
      onToken(this.strip.cursor!);
    };
    this.node.addEventListener("keydown", (event) => {
      if (event.target !== this.node) return;
      const at = this.strip.cursor;
      if (event.key === "ArrowRight") go(at === undefined ? this.strip.firstWritten : at + 1);
      else if (event.key === "ArrowLeft") go(at === undefined ? this.strip.firstWritten : at - 1);
      else if (event.key === "Home") go(0);
      else if (event.key === "End") go(this.strip.length - 1);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
}
