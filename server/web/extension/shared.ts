/** What JupyterLab's page shares with extensions: versions of packages by name, as webpack's module federation has them. */
export type ShareScope = Readonly<Record<string, Readonly<Record<string, { get(): Promise<() => unknown> }>>>>;

const place = Symbol.for("cirlab.shared.lumino-widgets");

/**
 * Takes the newest version of the page's own @lumino/widgets: widgets of another copy would not get the page's messages.
 *
 * @throws Error where the page shares none of major version 2.
 */
export async function takeLuminoWidgets(scope: ShareScope): Promise<void> {
  const versions = Object.keys(scope["@lumino/widgets"] ?? {}).filter((version) => version.startsWith("2."));
  const newest = versions.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
  if (newest === undefined) throw new Error("cirlab: this page shares no @lumino/widgets 2; JupyterLab 4 does.");
  const factory = await scope["@lumino/widgets"]![newest]!.get();
  (globalThis as Record<symbol, unknown>)[place] = factory();
}

/** What was taken. */
export const luminoWidgets = <T>(): T => (globalThis as Record<symbol, unknown>)[place] as T;
