import { INotebookShell, type NotebookApp } from "@jupyter-notebook/application";
import type { IPlugin } from "@lumino/coreutils";

/**
 * The document in a page's address is the page: it stands in the middle, also where the user's layout has another place for
 * documents of its kind, as it has for previews of Markdown. There the page would stay empty and never be ready.
 */
const pageDocument: IPlugin<NotebookApp, void> = {
  id: "cirlab:page-document",
  description: "Shows the document of a page's address in the page.",
  autoStart: true,
  requires: [INotebookShell],
  activate: (_: NotebookApp, shell: INotebookShell): void => {
    const add = shell.add.bind(shell);
    // The layout is looked up by the type; `_noref` is how the page opens its own document.
    shell.add = (widget, area, options) => {
      const { type: _type, ...rest } = options ?? {};
      const isPage = area === "main" && options?.ref === "_noref";
      add(widget, area, isPage ? rest : options);
    };
  },
};

export default pageDocument;
