import { inspect, types } from "node:util";
import { formatNumber } from "./format.ts";
import { signatureOf } from "./function-text.ts";
import { host } from "./host.ts";

/** How values are printed that bring no display of their own. */
const options = { maxStringLength: 10_000, breakLength: 100, colors: false } as const;
/** About how many characters of a value are printed. */
const maxText = 100_000;

/** How much of a value is printed: levels of objects in it, and elements of an array. */
interface Extent {
  readonly depth: number;
  readonly length: number;
}
/** From the whole to ever less, for values that are too large. */
const extents: readonly Extent[] = [
  { depth: 4, length: 100 },
  { depth: 4, length: 20 },
  { depth: 4, length: 5 },
  { depth: 2, length: 20 },
  { depth: 1, length: 100 },
  { depth: 0, length: 100 },
];

/** Why something failed, in one line. Any value can be thrown, also one that cannot be printed. */
export function reasonOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : inspect(error, { depth: 1 });
  } catch {
    return "an error that cannot be printed";
  }
}

/** Interrupts end the cell, whoever's code they meet. */
export function isInterrupt(error: unknown): boolean {
  return types.isNativeError(error) && (error.name === "KernelInterrupt" || error.name === "InterruptedError");
}

/** Text for any value: as Node prints it, without colours, and no longer than a person can read. Never fails. */
export function plainText(value: unknown): string {
  try {
    const text = describe(value);
    if (text.length <= 2 * maxText) return text;
    return `${text.slice(0, maxText)}\n… ${formatNumber(text.length - maxText)} more characters`;
  } catch (error) {
    if (isInterrupt(error)) throw error;
    return `(a value that cannot be shown: ${reasonOf(error)})`;
  }
}

function describe(value: unknown): string {
  if (typeof value === "function")
    return inspectSafely(value).replace(/^\[[^\n\]]*\]/, (head) => signatureOf(value, head));
  if (typeof value !== "object" || value === null) return inspect(value, options);
  if (types.isProxy(value)) return inspectSafely(value);
  if (types.isNativeError(value)) return host()?.errorText(value) ?? inspectSafely(value);
  const markup = outerHtml(value);
  if (markup !== undefined) return markup;
  const extent = extents.find((extent) => isPrintable(value, extent));
  if (!extent) return beginning(value);
  const text = inspectSafely(value, extent);
  return extent === extents[0] ? text : `${text}\n… shortened: the whole is too long to print`;
}

/** Code of the value's class may run when it is printed; if that fails, the value is printed without it. */
function inspectSafely(value: unknown, { depth, length }: Extent = extents[0]!): string {
  const limits = { ...options, depth, maxArrayLength: length };
  try {
    return inspect(value, limits);
  } catch (error) {
    if (isInterrupt(error)) throw error;
    return `${inspect(value, { ...limits, customInspect: false })}\n(its own inspection failed: ${reasonOf(error)})`;
  }
}

/** The code of an element of a page. */
function outerHtml(value: object): string | undefined {
  if (Object.getPrototypeOf(value) === Object.prototype) return undefined;
  const { outerHTML } = value as { outerHTML?: unknown };
  return typeof outerHTML === "string" ? outerHTML : undefined;
}

/** The first properties of an object that has too many to print. */
function beginning(value: object): string {
  const keys = Object.keys(value);
  const part = Object.create(Object.getPrototypeOf(value)) as object;
  for (const key of keys.slice(0, 100)) Object.defineProperty(part, key, Object.getOwnPropertyDescriptor(value, key)!);
  return `${inspectSafely(part, extents.at(-1))}\n… ${formatNumber(keys.length - 100)} more properties`;
}

/** Whether a value can be printed to an extent within the limit. */
function isPrintable(value: object, { depth: levels, length }: Extent): boolean {
  const seen = new Set<object>([value]);
  let level: object[] = [value];
  let size = 0;
  for (let depth = 0; depth <= levels && level.length > 0; depth++) {
    const next: object[] = [];
    for (const item of level)
      for (const child of childrenOf(item, length)) {
        size += typeof child === "string" ? 4 + Math.min(child.length, options.maxStringLength) : 10;
        if (size > maxText) return false;
        if (typeof child !== "object" || child === null || seen.has(child)) continue;
        seen.add(child);
        next.push(child);
      }
    level = next;
  }
  return true;
}

/** What is printed of an object one level down. Runs no code of the object. */
function* childrenOf(value: object, length: number): Generator<unknown> {
  if (types.isProxy(value) || ArrayBuffer.isView(value)) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < Math.min(value.length, length); i++) yield Object.getOwnPropertyDescriptor(value, i)?.value;
    return;
  }
  if (types.isMap(value) || types.isSet(value)) {
    let left = length;
    const entries = types.isMap(value) ? Map.prototype.entries.call(value) : Set.prototype.values.call(value);
    for (const entry of entries) {
      if (left-- === 0) return;
      if (types.isMap(value)) yield* entry as [unknown, unknown];
      else yield entry;
    }
    return;
  }
  for (const key of Object.keys(value)) {
    yield key;
    yield Object.getOwnPropertyDescriptor(value, key)?.value;
  }
}
