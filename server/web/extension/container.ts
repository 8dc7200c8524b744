import { type ShareScope, takeLuminoWidgets } from "./shared.ts";

// A prebuilt extension as JupyterLab 4 loads it: a script that leaves a container of webpack's module federation in
// `_JUPYTERLAB`. The page hands over what it shares, then asks for the modules that package.json names.

interface Container {
  init(scope: ShareScope): void;
  /** @returns makes the module. */
  get(module: string): Promise<() => object>;
}

declare global {
  interface Window {
    _JUPYTERLAB?: Record<string, Container>;
  }
}

/** The bundle's file beside this one; the build knows its name. */
declare const viewerFile: string;

const base = (document.currentScript as HTMLScriptElement).src;
let shared: ShareScope | undefined;

const container: Container = {
  init(scope) {
    shared ??= scope;
  },
  async get(module) {
    if (module !== "./mimeExtension") throw new Error(`cirlab: there is no module ${module}.`);
    await takeLuminoWidgets(shared ?? {});
    const loaded = (await import(new URL(viewerFile, base).href)) as { default: unknown };
    return () => ({ __esModule: true, default: loaded.default });
  },
};

window._JUPYTERLAB = { ...window._JUPYTERLAB, cirlab: container };
