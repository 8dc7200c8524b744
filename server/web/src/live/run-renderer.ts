import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import type { Message } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import { runChannel } from "./run-channel.ts";
import { RunCharts } from "./run-charts.ts";

/** The output that stands for a run: `{ runId, title? }`. */
export const runMimeType = "application/vnd.cirlab.run+json";

/** The live charts of a run, under the cell that trains it. */
class RenderedRun extends Widget implements IRenderMime.IRenderer {
  #charts: RunCharts | undefined;

  constructor() {
    super();
    this.addClass("jp-RenderedRun");
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const { runId, title } = model.data[runMimeType] as unknown as { runId: string; title?: string };
    this.#charts?.dispose();
    runChannel.subscribe(runId);
    this.#charts = new RunCharts(runChannel.run(runId));
    const heading = document.createElement("strong");
    heading.textContent = title ?? runId;
    this.#charts.node.prepend(heading);
    this.node.append(this.#charts.node);
  }

  protected override onBeforeDetach(message: Message): void {
    super.onBeforeDetach(message);
    if (this.isDisposed) this.#charts?.dispose();
  }

  override dispose(): void {
    this.#charts?.dispose();
    this.#charts = undefined;
    super.dispose();
  }
}

const runRenderer: IRenderMime.IExtension = {
  id: "cirlab:run-renderer",
  description: "Live charts of a training run, under the cell that trains it.",
  rendererFactory: { safe: true, mimeTypes: [runMimeType], createRenderer: () => new RenderedRun() },
  // Before the static picture (text/html, rank 50) that comes in the same output.
  rank: 10,
  dataType: "json",
};

export default runRenderer;
