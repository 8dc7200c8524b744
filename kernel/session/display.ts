import { inspect, stripVTControlCharacters } from "node:util";
import { renderValue } from "../../src/display/bundle.ts";
import { plainText, reasonOf } from "../../src/display/plain-text.ts";
import { errorReport } from "./errors.ts";
import type { MimeBundle } from "./wire.ts";

/** Data of one mime type as it may travel: binary values as base64, text types as text, all else as JSON. */
function encodeData(mime: string, value: unknown): unknown {
  if (typeof value === "string" || value === undefined) return value;
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  if (mime.startsWith("text/")) return plainText(value);
  const json = JSON.stringify(value);
  return json === undefined ? undefined : value;
}

/** A bundle as it may travel. What cannot is left out, and the text says why. */
export function normalizeBundle(bundle: MimeBundle): MimeBundle {
  const notes: string[] = [];
  const entries = Object.entries(bundle).flatMap(([mime, value]) => {
    try {
      const data = encodeData(mime, value);
      return data === undefined ? [] : [[mime, data] as const];
    } catch (error) {
      notes.push(`(${mime} cannot be sent: ${reasonOf(error)})`);
      return [];
    }
  });
  const sent: MimeBundle = Object.fromEntries(entries);
  if (notes.length === 0) return sent;
  const text = sent["text/plain"];
  return { ...sent, "text/plain": [...(typeof text === "string" && text ? [text] : []), ...notes].join("\n") };
}

/** How a value is shown as a result; empty for a value that shows nothing. */
export async function bundleOf(value: unknown): Promise<MimeBundle> {
  return normalizeBundle(await renderValue(value));
}

/** An error as a value: as it is told when it ends a cell, without colours, and what else it carries. */
export function errorText(error: Error): string {
  const text = stripVTControlCharacters(errorReport(error).traceback.join("\n"));
  const told = new Set(["name", "message", "stack", "cause"]);
  const more = Object.entries(Object.getOwnPropertyDescriptors(error))
    .filter(([key, property]) => !told.has(key) && "value" in property)
    .map(([key, { value }]) => `${key}: ${inspect(value, { depth: 2 })}`);
  return [text, ...more].join("\n");
}
