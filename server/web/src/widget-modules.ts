import type { NotebookApp } from "@jupyter-notebook/application";
import * as base from "@jupyter-widgets/base";
import { JUPYTER_CONTROLS_VERSION } from "@jupyter-widgets/controls/lib/version.js";
import type { IPlugin } from "@lumino/coreutils";
import anywidget from "anywidget";
import { keepStatic } from "./stepper/static-widgets.ts";
import { onlyTrusted } from "./trust/saved-widgets.ts";
import { keepKeys } from "./widget-keys.ts";

/** The standard controls, loaded when the first of them is shown. */
const controls: IPlugin<NotebookApp, void> = {
  id: "cirlab-widgets:controls",
  description: "Sliders, buttons and the other standard widgets.",
  autoStart: true,
  requires: [base.IJupyterWidgetRegistry],
  activate: (_: NotebookApp, registry: base.IJupyterWidgetRegistry): void => {
    registry.registerWidget({
      name: "@jupyter-widgets/controls",
      version: JUPYTER_CONTROLS_VERSION,
      exports: () => import("@jupyter-widgets/controls") as unknown as Promise<base.ExportMap>,
    });
    keepKeys();
  },
};

/** Widgets whose front end comes with them as an ES module. */
const custom: IPlugin<NotebookApp, void> = {
  id: "cirlab-widgets:anywidget",
  description: "Widgets that bring their own front end.",
  autoStart: true,
  requires: [base.IJupyterWidgetRegistry],
  activate: (_: NotebookApp, registry: base.IJupyterWidgetRegistry): void => {
    const models = anywidget(base);
    keepStatic();
    onlyTrusted(models.AnyModel, base.DOMWidgetModel);
    registry.registerWidget({ name: "anywidget", version: models.AnyModel.model_module_version, exports: models });
  },
};

export default [controls, custom];
