// Icons are imported as text (build.js).
declare module "*.svg" {
  const text: string;
  export default text;
}
// The extension for JupyterLab brings its own style (extension/build.js).
declare module "*.css" {
  const text: string;
  export default text;
}
// The package is an AMD module; build.js makes its factory the default export.
declare module "anywidget" {
  import type * as base from "@jupyter-widgets/base";

  type Model = typeof base.WidgetModel & { model_module_version: string };
  export default function models(widgets: typeof base): { AnyModel: Model; AnyView: typeof base.WidgetView };
}
