import { NotebookApp } from "@jupyter-notebook/application";
import { PageConfig } from "@jupyterlab/coreutils";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { IServiceManager } from "@jupyterlab/services";
import { type IPlugin, PluginRegistry } from "@lumino/coreutils";
import { runChannel } from "./live/run-channel.ts";
import runRenderer from "./live/run-renderer.ts";
import { ServerLink } from "./live/server-link.ts";
import { type Choice, type Package, type Page, packages, renderers } from "./plugins.ts";
import rolloutsRenderer from "./rollouts/renderer.ts";
import { readRunsFrom } from "./runs/api.ts";
import { ServerReader } from "./runs/server-reader.ts";
import "./styles.ts";

type Plugin = IPlugin<NotebookApp, unknown>;

/** What a page takes of a package: its part under `everywhere` and its own. */
function chosen(part: Package, page: Page): Choice {
  const choices = [part.everywhere ?? [], part[page] ?? []];
  return choices.includes("all") ? "all" : choices.flatMap((choice) => [...choice]);
}

async function pluginsOf(name: string, part: Package, page: Page): Promise<Plugin[]> {
  const choice = chosen(part, page);
  if (choice.length === 0) return [];
  const { default: exported } = (await part.load()) as { default: Plugin | Plugin[] };
  const all = Array.isArray(exported) ? exported : [exported];
  return choice === "all" ? all : all.filter((plugin) => choice.includes(plugin.id.slice(name.length + 1)));
}

/** The list that the settings editor shows, in the form that the application expects: page, package, plugin ids. */
function settingsPlugins(): Record<string, Record<string, boolean | string[]>> {
  const list: Record<string, Record<string, boolean | string[]>> = {};
  for (const page of ["everywhere", "tree", "notebooks", "edit", "consoles", "terminals"] as const) {
    const path = page === "everywhere" ? "/" : `/${page}`;
    list[path] = {};
    for (const [name, part] of Object.entries(packages)) {
      const choice = part[page];
      if (choice) list[path][name] = choice === "all" || choice.map((plugin) => `${name}:${plugin}`);
    }
  }
  return list;
}

async function loadRenderers(): Promise<IRenderMime.IExtensionModule[]> {
  const loaded = await Promise.all(renderers.map((load) => load()));
  // The application asks for `__esModule` with hasOwnProperty, which a module's namespace object does not have.
  return [{ default: runRenderer }, { default: rolloutsRenderer }, ...loaded].map(
    (module) => ({ __esModule: true, default: module.default }) as unknown as IRenderMime.IExtensionModule,
  );
}

async function main(): Promise<void> {
  const page = PageConfig.getOption("notebookPage") as Page;
  runChannel.use(new ServerLink());
  readRunsFrom(new ServerReader());
  const [mimeExtensions, ...plugins] = await Promise.all([
    loadRenderers(),
    ...Object.entries(packages).map(([name, part]) => pluginsOf(name, part, page)),
  ]);
  PageConfig.setOption("allPlugins", JSON.stringify(settingsPlugins()));

  const pluginRegistry = new PluginRegistry<NotebookApp>();
  const enabled = plugins.flat();
  pluginRegistry.registerPlugins(enabled);
  const serviceManager = await pluginRegistry.resolveRequiredService(IServiceManager);
  const availablePlugins = enabled.map((plugin) => ({
    id: plugin.id,
    description: plugin.description ?? "",
    requires: plugin.requires ?? [],
    optional: plugin.optional ?? [],
    provides: plugin.provides ?? null,
    autoStart: plugin.autoStart,
    enabled: true,
    extension: plugin.id.split(":")[0],
  }));
  const app = new NotebookApp({ pluginRegistry, serviceManager, mimeExtensions, availablePlugins } as never);
  await app.start();
  await app.restored;
  document.body.dataset.ready = "true";
}

main().catch((error: unknown) => {
  console.error(error);
  const message = document.createElement("p");
  message.textContent = `The notebook application could not start: ${String(error)}`;
  document.body.replaceChildren(message);
});
