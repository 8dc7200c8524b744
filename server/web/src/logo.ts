import { INotebookShell, type NotebookApp } from "@jupyter-notebook/application";
import { PageConfig } from "@jupyterlab/coreutils";
import type { IPlugin } from "@lumino/coreutils";
import { Widget } from "@lumino/widgets";
import { labIcon } from "./icon.ts";

/** Our name in the corner; leads to the list of notebooks. */
const logo: IPlugin<NotebookApp, void> = {
  id: "cirlab:logo",
  description: "The laboratory's name in the corner of every page.",
  autoStart: true,
  requires: [INotebookShell],
  activate: (_: NotebookApp, shell: INotebookShell): void => {
    const node = document.createElement("a");
    node.href = `${PageConfig.getBaseUrl()}tree`;
    node.target = "_blank";
    node.rel = "noopener noreferrer";
    node.className = "cirlab-logo";
    labIcon.element({ container: node, height: "22px", width: "22px" });
    node.append("CIR Lab");
    const widget = new Widget({ node });
    widget.id = "jp-NotebookLogo";
    shell.add(widget, "top", { rank: 0 });
  },
};

export default logo;
