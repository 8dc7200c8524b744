import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import { INotebookWidgetFactory, type NotebookWidgetFactory } from "@jupyterlab/notebook";

/** The application opens a document on the notebook's page when its factory's name has "Notebook" in it. */
const factoryName = "Notebook from Script";

/** Opens scripts in percent format (.ts) as notebooks: Open With > Notebook from Script. */
const scriptFactory: JupyterFrontEndPlugin<void> = {
  id: "cirlab:script-notebook",
  description: "Opens TypeScript files in percent format as notebooks.",
  autoStart: true,
  requires: [INotebookWidgetFactory],
  activate: (app: JupyterFrontEnd, factory: NotebookWidgetFactory.IFactory): void => {
    const own: DocumentRegistry.WidgetFactory = {
      name: factoryName,
      label: factoryName,
      fileTypes: ["typescript"],
      defaultFor: [],
      defaultRendered: [],
      modelName: "notebook",
      readOnly: false,
      preferKernel: true,
      canStartKernel: true,
      autoStartDefault: factory.autoStartDefault,
      shutdownOnClose: factory.shutdownOnClose,
      // The notebook's own factory makes the page, so that every other plugin knows it as a notebook.
      widgetCreated: factory.widgetCreated,
      createNew: (context: DocumentRegistry.Context, source?: DocumentRegistry.IModel) =>
        factory.createNew(context as never, source as never),
      isDisposed: false,
      dispose: () => undefined,
    } as unknown as DocumentRegistry.WidgetFactory;
    app.docRegistry.addWidgetFactory(own);
  },
};

export default scriptFactory;
