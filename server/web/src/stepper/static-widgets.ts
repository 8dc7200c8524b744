import { WidgetRenderer } from "@jupyter-widgets/jupyterlab-manager";
import { Sanitizer } from "@jupyterlab/apputils";
import { RenderedHTML } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";

/** What a renderer of widgets shows now. */
interface Shown {
  /** The widget that it shows. */
  id?: unknown;
  /** What it shows in the place of a widget that is not there. */
  still?: RenderedHTML;
}

const shownBy = new WeakMap<WidgetRenderer, Shown>();

/**
 * Widgets that also bring HTML leave it where their kernel is gone: a saved notebook shows that in place of an error. And
 * an output that comes again with the same widget, only with another picture for the saved notebook, stays as it stands:
 * who writes in the widget goes on.
 */
export function keepStatic(): void {
  const { renderModel } = WidgetRenderer.prototype;
  WidgetRenderer.prototype.renderModel = async function (this: WidgetRenderer, model: IRenderMime.IMimeModel) {
    const shown = shownBy.get(this) ?? {};
    shownBy.set(this, shown);
    const { model_id: id } = model.data[this.mimeType] as { model_id?: unknown };
    if (id !== "" && shown.id === id && this.widgets.length > 0) return;
    shown.still?.dispose();
    shown.still = shown.id = undefined;
    await renderModel.call(this, model);
    if (this.isDisposed) return;
    if (this.widgets.length > 0) shown.id = id;
    else if (model.data["text/html"] !== undefined) shown.still = await still(this, model);
  };
}

async function still(place: WidgetRenderer, model: IRenderMime.IMimeModel): Promise<RenderedHTML> {
  const html = new RenderedHTML({
    mimeType: "text/html",
    sanitizer: new Sanitizer(),
    resolver: null,
    linkHandler: null,
    latexTypesetter: null,
  });
  place.node.textContent = "";
  place.removeClass("jupyter-widgets");
  place.addWidget(html);
  await html.renderModel(model);
  return html;
}
