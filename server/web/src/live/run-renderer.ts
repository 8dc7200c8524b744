import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { Widget } from "@lumino/widgets";
import { runChannel } from "./run-channel.ts";
import type { RunSeries } from "./run-series.ts";
import { RunView } from "./run-view.ts";

/**
 * The output that stands for a run: `{ runId, title?, status? }`, beside the picture (image/svg+xml) that is saved with
 * it.
 */
export const runMimeType = "application/vnd.cirlab.run+json";

/** Under the cell that trains: the run as it is on disk, or the saved picture while the server has nothing of the run. */
class RenderedRun extends Widget implements IRenderMime.IRenderer {
  readonly #heading = document.createElement("strong");
  readonly #picture = document.createElement("img");
  #run: RunSeries | undefined;
  #view: RunView | undefined;

  constructor() {
    super();
    this.addClass("cirlab-rendered-run");
    this.#heading.hidden = true;
    this.node.append(this.#heading, this.#picture);
  }

  /** Comes again with every new picture of a run that trains. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const { runId, title } = model.data[runMimeType] as { runId?: unknown; title?: unknown };
    if (typeof runId !== "string") throw new Error(`The output names no run: runId is ${JSON.stringify(runId)}.`);
    this.#heading.textContent = typeof title === "string" ? title : runId;
    this.#picture.alt = [model.data["text/plain"]].flat().join("");
    this.#follow(runId);
    // As an image's source, no script of the picture runs, whatever notebook it comes from.
    if (!this.#view)
      this.#picture.src = `data:image/svg+xml,${encodeURIComponent([model.data["image/svg+xml"]].flat().join(""))}`;
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#leave();
    super.dispose();
  }

  #follow(runId: string): void {
    if (this.#run?.id === runId) return;
    this.#leave();
    this.#run = runChannel.follow(runId);
    this.#run.changed.connect(this.#update, this);
    this.#update();
  }

  #leave(): void {
    if (!this.#run) return;
    this.#run.changed.disconnect(this.#update, this);
    this.#view?.dispose();
    this.#view = undefined;
    runChannel.leave(this.#run.id);
    this.#run = undefined;
  }

  #update(): void {
    if (!this.#run || this.#view || this.#run.columns.all.size === 0) return;
    this.#view = new RunView(this.#run.id);
    this.node.append(this.#view.node);
    this.#picture.hidden = true;
    this.#heading.hidden = false;
  }
}

const runRenderer: IRenderMime.IExtension = {
  id: "cirlab:run-renderer",
  description: "A training run under the cell that trains it: charts, alerts and controls.",
  rendererFactory: { safe: true, mimeTypes: [runMimeType], createRenderer: () => new RenderedRun() },
  // Before the picture (image/svg+xml) that comes in the same output.
  rank: 10,
  dataType: "json",
};

export default runRenderer;
