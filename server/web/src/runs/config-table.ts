import type { RunConfig } from "../../../../src/recording/config.ts";
import { make } from "../rollouts/dom.ts";

/** Settings by the names of their paths, as text. */
export type ConfigRows = ReadonlyMap<string, string>;

const asText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Nested values under the names of their paths; lists stay whole. */
function leaves(value: Readonly<Record<string, unknown>>, path: string, into: Map<string, string>): void {
  for (const [name, inner] of Object.entries(value)) {
    const at = path ? `${path}.${name}` : name;
    if (inner !== null && typeof inner === "object" && !Array.isArray(inner)) leaves(inner as Record<string, unknown>, at, into);
    else into.set(at, asText(inner));
  }
}

/** What a run was made of and with which settings. */
export function configRows({ seed, config, setup, versions }: RunConfig): ConfigRows {
  const rows = new Map<string, string>();
  if (seed !== undefined) rows.set("seed", String(seed));
  leaves(config, "", rows);
  leaves(setup ?? {}, "setup", rows);
  leaves(versions, "versions", rows);
  return rows;
}

export function settingsTable(rows: ConfigRows): HTMLTableElement {
  const lines = [...rows].map(([name, value]) =>
    make("tr", {}, make("th", { text: name, attributes: { scope: "row" } }), make("td", { text: value })),
  );
  return make("table", { className: "cirlab-table" }, make("tbody", {}, ...lines));
}

/** Names of the settings that runs do not have in common. */
export function differingNames(runs: readonly ConfigRows[]): Set<string> {
  const names = new Set(runs.flatMap((rows) => [...rows.keys()]));
  return new Set([...names].filter((name) => new Set(runs.map((rows) => rows.get(name))).size > 1));
}

/** Several runs' settings side by side, those that differ marked. */
export function comparisonTable(labels: readonly string[], runs: readonly ConfigRows[], onlyDifferent: boolean): HTMLElement {
  const different = differingNames(runs);
  const names = [...new Set(runs.flatMap((rows) => [...rows.keys()]))].filter((name) => !onlyDifferent || different.has(name));
  if (!names.length) return make("p", { text: "The runs have the same settings." });
  const lines = names.map((name) =>
    make(
      "tr",
      different.has(name) ? { attributes: { "data-differs": "" } } : {},
      make("th", { text: name, attributes: { scope: "row" } }),
      ...runs.map((rows) => make("td", { text: rows.get(name) ?? "–" })),
    ),
  );
  const heads = ["setting", ...labels].map((text) => make("th", { text, attributes: { scope: "col" } }));
  return make("table", { className: "cirlab-table cirlab-comparison" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines));
}
