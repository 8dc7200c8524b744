import { displaySymbol } from "../display/host.ts";
import { table } from "../display/index.ts";
import { isPartReference } from "../parts/index.ts";
import type { TrainerConfig } from "./config.ts";
import { guardName } from "./guards/guard.ts";

/** Code of the user's own is told by its name. */
const text = (value: unknown): string =>
  typeof value !== "object" || value === null
    ? String(value)
    : JSON.stringify(value, (_, inner: unknown) => (isPartReference(inner) ? `own: ${inner.own}` : inner));

/** A configuration as a table: a row for each setting, and one for each guard with its reason. */
export function settingsTable({ guards, ...settings }: TrainerConfig, caption: string): unknown {
  const rows = [
    ...Object.entries(settings).map(([setting, value]) => ({ setting, value: text(value), why: "" })),
    ...guards.map((guard) => ({
      setting: "guards",
      value: `${guard.action}: ${guardName(guard)}${guard.patience > 1 ? ` in ${guard.patience} steps in a row` : ""}`,
      why: guard.reason ?? "",
    })),
  ];
  return table(rows, { caption })[displaySymbol]();
}
