import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { Widget } from "@lumino/widgets";
import {
  type RolloutsOutput,
  type RolloutView,
  rolloutsMimeType,
  type ToolCallView,
} from "../../../../src/display/rollout-view.ts";
import { make } from "./dom.ts";
import { RolloutExplorer } from "./explorer.ts";
import { GivenRollouts } from "./source.ts";

/** Rollouts under the cell that showed them. */
class RenderedRollouts extends Widget implements IRenderMime.IRenderer {
  #explorer: RolloutExplorer | undefined;

  constructor() {
    super();
    this.addClass("cirlab-rendered-rollouts");
    // Arrows and Escape are the viewer's while it has the focus.
    this.node.dataset.lmSuppressShortcuts = "true";
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const { title, rollouts, total } = checked(model.data[rolloutsMimeType]);
    this.#explorer?.dispose();
    const part = total !== undefined && total > rollouts.length ? `, the first ${rollouts.length} of ${total}` : "";
    this.#explorer = new RolloutExplorer({ source: new GivenRollouts(rollouts), way: [{ name: title + part }] });
    this.node.replaceChildren(this.#explorer.node);
    const only = rollouts.length === 1 ? rollouts[0] : undefined;
    const focused = document.activeElement;
    await this.#explorer.show(
      only ? { group: only.group, sample: only.greedy ? `g${only.sample}` : `${only.sample}` } : {},
    );
    // A new output must not take the focus from the cell that is written in.
    if (focused instanceof HTMLElement && this.node.contains(document.activeElement))
      focused.focus({ preventScroll: true });
    if (!rollouts.length) this.node.replaceChildren(make("p", { text: `${title}: no rollouts.` }));
  }

  override dispose(): void {
    this.#explorer?.dispose();
    super.dispose();
  }
}

/** What the viewer relies on; an output may come from anywhere. */
function checked(data: unknown): RolloutsOutput {
  const { title, rollouts, total } = (data ?? {}) as Partial<RolloutsOutput>;
  if (!Array.isArray(rollouts) || !rollouts.every(isRollout))
    throw new Error("The output holds no rollouts that can be shown.");
  return { title: String(title ?? "Rollouts"), rollouts, ...(typeof total === "number" && { total }) };
}

function isRollout(value: unknown): value is RolloutView {
  const { ids, texts, sources, figures, toolCalls, task } = (value ?? {}) as Partial<RolloutView>;
  if (!Array.isArray(ids) || !Array.isArray(texts) || !Array.isArray(sources) || !Array.isArray(toolCalls))
    return false;
  const { length } = ids;
  const counts = sources.map((run: unknown) =>
    Array.isArray(run) && Number.isInteger(run[1]) ? Math.max(run[1], 0) : 0,
  );
  const columns = Object.values(figures ?? {});
  return (
    typeof task?.prompt === "string" &&
    texts.length === length &&
    texts.every((text) => typeof text === "string") &&
    counts.reduce((sum, count) => sum + count, 0) === length &&
    columns.every((column) => Array.isArray(column) && column.length === length) &&
    toolCalls.every((call: unknown, i) =>
      isCall(call, (toolCalls[i - 1] as ToolCallView | undefined)?.end ?? 0, length),
    )
  );
}

/** Calls follow one another inside the rollout. */
function isCall(value: unknown, from: number, to: number): boolean {
  const { code, status, stdout, stderr, feedback, start = -1, end = -1 } = (value ?? {}) as Partial<ToolCallView>;
  const isText = [code, status, stdout, stderr, feedback].every((text) => typeof text === "string");
  return isText && start >= from && end >= start && end <= to;
}

const rolloutsRenderer: IRenderMime.IExtension = {
  id: "cirlab:rollouts-renderer",
  description: "A viewer of rollouts, under the cell that shows them.",
  rendererFactory: { safe: true, mimeTypes: [rolloutsMimeType], createRenderer: () => new RenderedRollouts() },
  // Before the table or strip (text/html) that is saved beside it.
  rank: 10,
  dataType: "json",
};

export default rolloutsRenderer;
