import type * as base from "@jupyter-widgets/base";
import { isCodeCellModel } from "@jupyterlab/cells";
import type { INotebookModel } from "@jupyterlab/notebook";

/** Whether the reader, or the server's signature, vouches for every cell of the notebook. */
function isTrusted(manager: unknown): boolean {
  const { context } = manager as { context?: { model?: INotebookModel } };
  const code = [...(context?.model?.cells ?? [])].filter(isCodeCellModel);
  return code.length > 0 && code.every((cell) => cell.trusted);
}

/**
 * A widget's model whose front end comes with it, as code. Made by a running kernel it runs; restored from a notebook's
 * metadata it runs only if the notebook is trusted, since it would do so when the notebook is opened.
 *
 * @param Model the model class of such widgets.
 * @param Plain its parent, which runs nothing.
 */
export function onlyTrusted(Model: typeof base.WidgetModel, Plain: typeof base.WidgetModel): void {
  const run = Model.prototype.initialize;
  Model.prototype.initialize = function (this: base.WidgetModel, attributes, options): void {
    const isVouchedFor = options.comm !== undefined || isTrusted(options.widget_manager);
    (isVouchedFor ? run : Plain.prototype.initialize).call(this, attributes, options);
  };
}
