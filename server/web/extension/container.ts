import { type ShareScope, takeShared } from "./shared.ts";

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

/** The bundle's file beside this one, and the page's packages that it uses; the build knows both. */
declare const partsFile: string;
declare const sharedNames: readonly string[];

const base = (document.currentScript as HTMLScriptElement).src;
let shared: ShareScope | undefined;
let loading: Promise<Record<string, unknown>> | undefined;

async function load(): Promise<Record<string, unknown>> {
  await takeShared(shared ?? {}, sharedNames);
  return (await import(new URL(partsFile, base).href)) as Record<string, unknown>;
}

const container: Container = {
  init(scope) {
    shared ??= scope;
  },
  async get(module) {
    loading ??= load();
    const part = (await loading)[module.replace("./", "")];
    if (part === undefined) throw new Error(`cirlab: there is no module ${module}.`);
    return () => ({ __esModule: true, default: part });
  },
};

window._JUPYTERLAB = { ...window._JUPYTERLAB, cirlab: container };
