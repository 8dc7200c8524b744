import { outcomeOf, type RolloutView } from "../../../../src/display/rollout-view.ts";
import { visibleControls } from "../../../../src/display/token-strip.ts";
import { make, short } from "./dom.ts";
import { heats } from "./heat.ts";
import { heatChoice } from "./rollout-page.ts";
import { sourceLegend, type TokenCard, TokenStrip } from "./token-strip.ts";

/** The rollouts of one prompt side by side, with their rewards and advantages. Arrow keys choose one, Enter opens it. */
export class GroupPage {
  readonly node = make("div", { className: "cirlab-group", attributes: { tabindex: "0", "aria-label": "Group" } });

  /** @param open called with the rollout's place among those given. */
  constructor(rollouts: readonly RolloutView[], card: TokenCard, open: (place: number) => void) {
    const strips = rollouts.map((rollout) => new TokenStrip(rollout, card));
    const columns = rollouts.map((rollout, i) =>
      make(
        "section",
        { className: "cirlab-group-column" },
        make(
          "button",
          { className: "cirlab-group-head", attributes: { type: "button" }, onClick: () => open(i) },
          make("b", { text: `${rollout.group}/${rollout.sample}${rollout.greedy ? " greedy" : ""}` }),
          make("span", { text: `reward ${short(rollout.reward?.reward)}` }),
          make("span", { text: `advantage ${short(rollout.advantage)}` }),
          make("span", { className: "cirlab-outcome", text: outcomeOf(rollout) }),
        ),
        strips[i]!.node,
      ),
    );
    const task = rollouts[0]?.task;
    const paint = (key: string) => {
      for (const strip of strips) strip.paint(heats.find((heat) => heat.key === key));
    };
    this.node.append(
      make(
        "p",
        { className: "cirlab-group-task" },
        make("b", { text: visibleControls(task?.prompt ?? "") }),
        ` answer ${visibleControls(task?.answer ?? "")}`,
      ),
      make("div", { className: "cirlab-tools" }, heatChoice(rollouts, paint), sourceLegend(rollouts)),
      make("div", { className: "cirlab-group-columns" }, ...columns),
    );
    let chosen = 0;
    const choose = (place: number) => {
      columns[chosen]?.classList.remove("cirlab-mod-chosen");
      chosen = Math.max(0, Math.min(columns.length - 1, place));
      columns[chosen]?.classList.add("cirlab-mod-chosen");
      columns[chosen]?.scrollIntoView({ block: "nearest", inline: "nearest" });
    };
    choose(0);
    this.node.addEventListener("keydown", (event) => {
      if (event.target !== this.node) return;
      if (event.key === "ArrowRight" || event.key === "ArrowDown") choose(chosen + 1);
      else if (event.key === "ArrowLeft" || event.key === "ArrowUp") choose(chosen - 1);
      else if (event.key === "Enter") open(chosen);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
}
