import type { NotebookApp } from "@jupyter-notebook/application";
import { type HTMLViewer, IHTMLViewerTracker } from "@jupyterlab/htmlviewer";
import { htmlRendererFactory, IRenderMimeRegistry, RenderedHTML } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import type { IPlugin } from "@lumino/coreutils";
import { runWaiting, withNonces, withWaitingScripts } from "./nonce.ts";

/** HTML outputs; the scripts of trusted ones carry the page's nonce. */
class NoncedHtml extends RenderedHTML {
  override render(model: IRenderMime.IMimeModel): Promise<void> {
    if (!model.trusted) return super.render(model);
    const data = { ...model.data, [this.mimeType]: withWaitingScripts(String(model.data[this.mimeType])) };
    const { metadata } = model;
    const rendered = super.render({ data, trusted: true, metadata, setData: (options) => model.setData(options) });
    // The markup stands in the node at once; what is waited for are its formulas and links.
    runWaiting(this.node);
    return rendered;
  }
}

/** The step of the viewer that makes the frame's document; it has no door of its own. */
interface DocumentMaker {
  _setupDocument(data: string): Promise<string>;
}

/** HTML files that were trusted in the viewer: their frame inherits the page's policy. */
function followTrust(viewer: HTMLViewer): void {
  const maker = viewer as unknown as DocumentMaker;
  const make = maker._setupDocument.bind(maker);
  maker._setupDocument = async (data) => {
    const text = await make(data);
    return viewer.trusted ? withNonces(text) : text;
  };
}

const trustedScripts: IPlugin<NotebookApp, void> = {
  id: "cirlab:trusted-scripts",
  description:
    "Lets scripts of trusted outputs and trusted HTML files run; those of all others are stopped by the page's policy.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [IHTMLViewerTracker],
  activate: (_: NotebookApp, registry: IRenderMimeRegistry, viewers: IHTMLViewerTracker | null): void => {
    const rank = registry.getRank("text/html");
    registry.addFactory({ ...htmlRendererFactory, createRenderer: (options) => new NoncedHtml(options) }, rank);
    viewers?.widgetAdded.connect((_tracker, viewer) => followTrust(viewer));
  },
};

export default trustedScripts;
