// Node's hooks for loading ES modules; they run in a thread of Node's own.
import type { InitializeHook, LoadHook, ResolveHook } from "node:module";
import { pathToFileURL } from "node:url";
import { checkLoops } from "../compiler/loops.ts";

let own = "";
let check = "";
/** Modules that this package imports, directly or not. */
const spared = new Set<string>();

export const initialize: InitializeHook<{ packageRoot: string; check: string }> = (data) => {
  own = `${pathToFileURL(data.packageRoot).href}/dist/`;
  check = data.check;
};

export const resolve: ResolveHook = async (specifier, context, next) => {
  const result = await next(specifier, context);
  const { parentURL } = context;
  if (parentURL && (parentURL.startsWith(own) || spared.has(parentURL))) spared.add(result.url);
  return result;
};

export const load: LoadHook = async (url, context, next) => {
  const result = await next(url, context);
  const { source } = result;
  if (result.format !== "module" || !source || url.startsWith(own) || spared.has(url)) return result;
  const text = typeof source === "string" ? source : Buffer.from(source as Uint8Array).toString("utf8");
  return { ...result, source: checkLoops(text, "module", check) };
};
