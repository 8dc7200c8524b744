/**
 * The parts of the notebook application, page by page. A page loads what stands under `everywhere` and what stands under
 * its own name; `"all"` means every plugin of the package. Left out: language servers, the plugin manager and
 * announcements.
 */

/** The pages of the application, as they appear in addresses. */
export type Page = "tree" | "notebooks" | "edit" | "consoles" | "terminals";

/** All plugins of a package, or those with these names (the part of the id after the colon). */
export type Choice = "all" | readonly string[];

/** One npm package with plugins. */
export interface Package {
  load(): Promise<object>;
  everywhere?: Choice;
  tree?: Choice;
  notebooks?: Choice;
  edit?: Choice;
  consoles?: Choice;
  terminals?: Choice;
}

export const packages: Record<string, Package> = {
  // First: it expects that its own settings are there when those of any other plugin change.
  "@jupyterlab/shortcuts-extension": { load: () => import("@jupyterlab/shortcuts-extension"), everywhere: "all" },
  "@jupyter-notebook/application-extension": {
    load: () => import("@jupyter-notebook/application-extension"),
    // Not `logo`: the corner shows our own.
    everywhere: [
      "dirty",
      "info",
      "menus",
      "menu-spacer",
      "opener",
      "pages",
      "path-opener",
      "paths",
      "rendermime",
      "shell",
      "sidepanel",
      "shortcuts",
      "splash",
      "status",
      "tab-title",
      "title",
      "top",
      "tree-resolver",
      "tree-updater",
      "translator",
      "zen",
    ],
  },
  "@jupyter-notebook/console-extension": {
    load: () => import("@jupyter-notebook/console-extension"),
    everywhere: "all",
  },
  "@jupyter-notebook/docmanager-extension": {
    load: () => import("@jupyter-notebook/docmanager-extension"),
    everywhere: "all",
  },
  "@jupyter-notebook/help-extension": {
    load: () => import("@jupyter-notebook/help-extension"),
    everywhere: "all",
  },
  "@jupyter-notebook/notebook-extension": {
    load: () => import("@jupyter-notebook/notebook-extension"),
    // Not `tab-icon`: it asks for Jupyter's own icon files; `faviconbusy` switches ours.
    everywhere: [
      "checkpoints",
      "close-tab",
      "edit-notebook-metadata",
      "full-width-notebook",
      "kernel-logo",
      "kernel-status",
      "menu-override",
      "notebook-tools",
      "open-tree-tab",
      "scroll-output",
      "trusted",
    ],
  },
  "@jupyter-widgets/jupyterlab-manager": {
    load: () => import("@jupyter-widgets/jupyterlab-manager"),
    // Not `controls`: its plugin loads them in webpack's own way; widget-modules.ts has ours.
    notebooks: ["plugin", "base-2.0.0", "output-1.0.0"],
    consoles: ["plugin", "base-2.0.0", "output-1.0.0"],
  },
  "@jupyter-notebook/tree-extension": { load: () => import("@jupyter-notebook/tree-extension"), tree: "all" },
  "@jupyterlab/application-extension": {
    load: () => import("@jupyterlab/application-extension"),
    everywhere: ["context-menu", "faviconbusy", "router", "top-bar"],
    tree: ["commands"],
  },
  "@jupyterlab/apputils-extension": {
    load: () => import("@jupyterlab/apputils-extension"),
    everywhere: [
      "kernels-settings",
      "palette",
      "notification",
      "sanitizer",
      "sessionDialogs",
      "settings",
      "state",
      "themes",
      "themes-palette-menu",
      "toolbar-registry",
      "utilityCommands",
    ],
  },
  "@jupyterlab/cell-toolbar-extension": {
    load: () => import("@jupyterlab/cell-toolbar-extension"),
    tree: "all",
    notebooks: "all",
  },
  "@jupyterlab/celltags-extension": { load: () => import("@jupyterlab/celltags-extension"), notebooks: "all" },
  "@jupyterlab/codemirror-extension": { load: () => import("@jupyterlab/codemirror-extension"), everywhere: "all" },
  "@jupyterlab/completer-extension": {
    load: () => import("@jupyterlab/completer-extension"),
    everywhere: ["base-service", "inline-completer", "inline-completer-factory", "inline-history", "manager"],
  },
  "@jupyterlab/console-extension": {
    load: () => import("@jupyterlab/console-extension"),
    everywhere: ["cell-executor", "completer", "factory", "foreign", "tracker"],
  },
  "@jupyterlab/csvviewer-extension": { load: () => import("@jupyterlab/csvviewer-extension"), everywhere: "all" },
  "@jupyterlab/debugger-extension": {
    load: () => import("@jupyterlab/debugger-extension"),
    notebooks: [
      "config",
      "display-registry",
      "main",
      "notebooks",
      "service",
      "sidebar",
      "source-viewer",
      "sources",
      "variables",
    ],
  },
  "@jupyterlab/docmanager-extension": {
    load: () => import("@jupyterlab/docmanager-extension"),
    everywhere: ["contexts", "download", "manager", "plugin"],
  },
  "@jupyterlab/documentsearch-extension": {
    load: () => import("@jupyterlab/documentsearch-extension"),
    everywhere: ["plugin"],
  },
  "@jupyterlab/filebrowser-extension": {
    load: () => import("@jupyterlab/filebrowser-extension"),
    everywhere: ["default-file-browser", "factory"],
    tree: [
      "browser",
      "create-new-language-file",
      "download",
      "file-upload-status",
      "open-with",
      "settings",
      "share-file",
    ],
  },
  "@jupyterlab/fileeditor-extension": {
    load: () => import("@jupyterlab/fileeditor-extension"),
    everywhere: ["plugin", "widget-factory"],
    edit: ["completer", "search"],
  },
  "@jupyterlab/help-extension": { load: () => import("@jupyterlab/help-extension"), everywhere: ["resources"] },
  "@jupyterlab/htmlviewer-extension": { load: () => import("@jupyterlab/htmlviewer-extension"), everywhere: "all" },
  "@jupyterlab/imageviewer-extension": { load: () => import("@jupyterlab/imageviewer-extension"), everywhere: "all" },
  "@jupyterlab/logconsole-extension": { load: () => import("@jupyterlab/logconsole-extension"), notebooks: "all" },
  "@jupyterlab/mainmenu-extension": { load: () => import("@jupyterlab/mainmenu-extension"), everywhere: ["plugin"] },
  "@jupyterlab/markdownviewer-extension": {
    load: () => import("@jupyterlab/markdownviewer-extension"),
    edit: "all",
  },
  "@jupyterlab/markedparser-extension": { load: () => import("@jupyterlab/markedparser-extension"), everywhere: "all" },
  "@jupyterlab/mathjax-extension": { load: () => import("@jupyterlab/mathjax-extension"), everywhere: "all" },
  "@jupyterlab/mermaid-extension": { load: () => import("@jupyterlab/mermaid-extension"), everywhere: "all" },
  "@jupyterlab/metadataform-extension": {
    load: () => import("@jupyterlab/metadataform-extension"),
    notebooks: "all",
  },
  "@jupyterlab/notebook-extension": {
    load: () => import("@jupyterlab/notebook-extension"),
    // Not `cell-executor`: early-cells.ts has ours.
    everywhere: ["code-console", "export", "factory", "page-handler", "tracker", "widget-factory"],
    notebooks: [
      "active-cell-tool",
      "completer",
      "copy-output",
      "metadata-editor",
      "search",
      "toc",
      "tools",
      "update-raw-mimetype",
    ],
  },
  "@jupyterlab/running-extension": { load: () => import("@jupyterlab/running-extension"), tree: ["plugin"] },
  "@jupyterlab/services-extension": { load: () => import("@jupyterlab/services-extension"), everywhere: "all" },
  "@jupyterlab/settingeditor-extension": { load: () => import("@jupyterlab/settingeditor-extension"), tree: "all" },
  "@jupyterlab/terminal-extension": { load: () => import("@jupyterlab/terminal-extension"), everywhere: "all" },
  "@jupyterlab/theme-dark-extension": { load: () => import("@jupyterlab/theme-dark-extension"), everywhere: "all" },
  "@jupyterlab/theme-light-extension": { load: () => import("@jupyterlab/theme-light-extension"), everywhere: "all" },
  "@jupyterlab/toc-extension": {
    load: () => import("@jupyterlab/toc-extension"),
    notebooks: ["registry", "tracker"],
  },
  "@jupyterlab/tooltip-extension": {
    load: () => import("@jupyterlab/tooltip-extension"),
    notebooks: ["manager", "notebooks"],
    consoles: ["consoles", "manager"],
  },
  "@jupyterlab/translation-extension": { load: () => import("@jupyterlab/translation-extension"), everywhere: "all" },
  "@jupyterlab/ui-components-extension": {
    load: () => import("@jupyterlab/ui-components-extension"),
    everywhere: "all",
  },
  "cirlab-widgets": { load: () => import("./widget-modules.ts"), notebooks: "all", consoles: "all" },
  cirlab: {
    load: () => import("./lab-plugins.ts"),
    everywhere: ["early-cells", "logo", "terminals", "script-notebook", "trusted-scripts", "runs"],
    notebooks: ["documents", "live-panel", "stale-cells", "compare", "pairing"],
    edit: ["page-document"],
  },
};

/** Packages that render a kind of output, on every page. */
export const renderers: readonly (() => Promise<{ default: unknown }>)[] = [
  () => import("@jupyterlab/javascript-extension"),
  () => import("@jupyterlab/json-extension"),
  () => import("@jupyterlab/mermaid-extension/lib/mime.js"),
  () => import("@jupyterlab/vega5-extension"),
];
