/** What JupyterLab's page shares with extensions: versions of packages by name, as webpack's module federation has them. */
export type ShareScope = Readonly<Record<string, Readonly<Record<string, { get(): Promise<() => unknown> }>>>>;

/** By package: what was taken; the bundle reads it there in place of a copy of its own. */
const place = Symbol.for("cirlab.shared");

/**
 * Takes the newest version of each of the page's own packages: widgets of another copy would not get the page's messages,
 * and other tokens would name no service of the page.
 *
 * @throws Error where the page shares one of them not at all.
 */
export async function takeShared(scope: ShareScope, names: readonly string[]): Promise<void> {
  const taken = names.map(async (name) => {
    const versions = Object.keys(scope[name] ?? {});
    const newest = versions.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
    if (newest === undefined) throw new Error(`cirlab: this page shares no ${name}; JupyterLab 4 does.`);
    const factory = await scope[name]![newest]!.get();
    return [name, factory()] as const;
  });
  (globalThis as Record<symbol, unknown>)[place] = Object.fromEntries(await Promise.all(taken));
}
