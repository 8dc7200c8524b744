import { inspect } from "node:util";
import type { MimeBundle } from "./wire.ts";

const displaySymbol = Symbol.for("Jupyter.display");

/** How values are printed that bring no display of their own. */
const inspectOptions = { depth: 4, maxArrayLength: 100, maxStringLength: 10_000, breakLength: 100, colors: false };

/** Binary data travels as base64. */
function encodeData(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

/** A bundle as it may travel: binary values as base64, and always some text. */
export function normalizeBundle(bundle: MimeBundle): MimeBundle {
  return Object.fromEntries(Object.entries(bundle).map(([mime, value]) => [mime, encodeData(value)]));
}

function isBundle(value: object): value is MimeBundle {
  const keys = Object.keys(value);
  return (
    Object.getPrototypeOf(value) === Object.prototype &&
    keys.length > 0 &&
    keys.every((k) => /^[\w.+-]+\/[\w.+-]+$/.test(k))
  );
}

/** Text for a value as a notebook shows it. */
export function plainText(value: unknown): string {
  return inspect(value, inspectOptions);
}

/**
 * How a value is shown: by its own `Symbol.for("Jupyter.display")` method where it has one, else as Node prints it.
 */
export async function bundleOf(value: unknown): Promise<MimeBundle> {
  const show =
    (typeof value === "object" && value !== null) || typeof value === "function"
      ? (value as { [displaySymbol]?: unknown })[displaySymbol]
      : undefined;
  if (typeof show !== "function") return { "text/plain": plainText(value) };
  const bundle: unknown = await show.call(value);
  if (typeof bundle !== "object" || bundle === null) {
    throw new TypeError(`Jupyter.display of ${plainText(value)} returned ${plainText(bundle)}, not a mime bundle.`);
  }
  return normalizeBundle(bundle as MimeBundle);
}

/** What `display(value)` shows: a mime bundle as it is, any other value as a result would be. */
export function displayBundle(value: unknown): MimeBundle | Promise<MimeBundle> {
  if (typeof value === "object" && value !== null && isBundle(value)) return normalizeBundle(value);
  return bundleOf(value);
}
