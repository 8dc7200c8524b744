import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { Widget } from "@lumino/widgets";
import { runChannel } from "./run-channel.ts";
import { RunCharts } from "./run-charts.ts";
import type { RunSeries } from "./run-series.ts";

/**
 * The output that stands for a run: `{ runId, title?, status? }`, beside the picture (image/svg+xml) that is saved with
 * it.
 */
export const runMimeType = "application/vnd.cirlab.run+json";

/** Under the cell that trains: the run's live charts, or the saved picture while the server has nothing of the run. */
class RenderedRun extends Widget implements IRenderMime.IRenderer {
  readonly #heading = document.createElement("strong");
  readonly #picture = document.createElement("img");
  #status: string | undefined;
  #run: RunSeries | undefined;
  #charts: RunCharts | undefined;

  constructor() {
    super();
    this.addClass("cirlab-rendered-run");
    this.#heading.hidden = true;
    this.node.append(this.#heading, this.#picture);
  }

  /** Comes again with every new picture of a run that trains. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const { runId, title, status } = model.data[runMimeType] as { runId?: unknown; title?: unknown; status?: unknown };
    if (typeof runId !== "string") throw new Error(`The output names no run: runId is ${JSON.stringify(runId)}.`);
    this.#heading.textContent = typeof title === "string" ? title : runId;
    this.#status = typeof status === "string" && status ? status : undefined;
    this.#charts?.describe(this.#status);
    this.#picture.alt = [model.data["text/plain"]].flat().join("");
    this.#follow(runChannel.run(runId));
    runChannel.subscribe(runId);
    // As an image's source, no script of the picture runs, whatever notebook it comes from.
    if (!this.#charts)
      this.#picture.src = `data:image/svg+xml,${encodeURIComponent([model.data["image/svg+xml"]].flat().join(""))}`;
  }

  override dispose(): void {
    this.#follow(undefined);
    super.dispose();
  }

  #follow(run: RunSeries | undefined): void {
    if (run === this.#run) return;
    this.#run?.changed.disconnect(this.#update, this);
    this.#charts?.dispose();
    this.#charts = undefined;
    this.#run = run;
    if (!run) return;
    run.changed.connect(this.#update, this);
    this.#update();
  }

  #update(): void {
    if (!this.#run || this.#charts || this.#run.steps.length === 0) return;
    this.#charts = new RunCharts(this.#run);
    this.#charts.describe(this.#status);
    this.node.append(this.#charts.node);
    this.#picture.hidden = true;
    this.#heading.hidden = false;
  }
}

const runRenderer: IRenderMime.IExtension = {
  id: "cirlab:run-renderer",
  description: "Live charts of a training run, under the cell that trains it.",
  rendererFactory: { safe: true, mimeTypes: [runMimeType], createRenderer: () => new RenderedRun() },
  // Before the picture (image/svg+xml) that comes in the same output.
  rank: 10,
  dataType: "json",
};

export default runRenderer;
