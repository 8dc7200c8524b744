import type { PyodideAPI } from "pyodide";
import type { FileSystem } from "./files.ts";

/** What a snippet's Python needs of JavaScript's globals once it runs; all others are removed. */
const kept = new Set(
  (
    "globalThis Infinity NaN undefined Object Function Array Number parseFloat parseInt Boolean String Symbol Date " +
    "Promise RegExp Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError JSON Math " +
    "Intl ArrayBuffer Atomics SharedArrayBuffer DataView Uint8Array Int8Array Uint16Array Int16Array Uint32Array " +
    "Int32Array Float16Array Float32Array Float64Array Uint8ClampedArray BigUint64Array BigInt64Array Map Set WeakMap " +
    "WeakSet WeakRef BigInt Proxy Reflect FinalizationRegistry Iterator decodeURI decodeURIComponent encodeURI " +
    "encodeURIComponent isFinite isNaN WebAssembly TextDecoder TextEncoder queueMicrotask performance console " +
    "AbortController AbortSignal Event EventTarget DOMException setTimeout clearTimeout"
  ).split(" "),
);

const denied = (): never => {
  throw new Error("not available to snippets");
};

/** What stands where a global was that is called at run time; Emscripten asks `process` for these two. */
const replacements: Record<string, unknown> = Object.assign(Object.create(null), {
  eval: denied,
  process: Object.freeze({ __proto__: null, getuid: () => 0, umask: () => 0o22 }),
});

/** Removes every way out of Python that does not go through the operating system: Node's objects, host file systems, code from strings. */
export function hardenRealm(python: PyodideAPI): void {
  const api = python as unknown as {
    _module: { FS: FileSystem };
    _api: { public_api?: Record<string, unknown> };
    mountNodeFS: unknown;
  };
  for (const fileSystem of [python.FS as unknown as FileSystem, api._module.FS])
    for (const name of Object.keys(fileSystem.filesystems)) if (name !== "MEMFS") delete fileSystem.filesystems[name];
  const methods = ["mountNodeFS", "mountNativeFS", "loadPackage", "loadPackagesFromImports", "unpackArchive"];
  for (const holder of [python as unknown as Record<string, unknown>, api._api.public_api])
    if (holder)
      for (const name of methods)
        Object.defineProperty(holder, name, { value: denied, writable: false, configurable: false });
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (kept.has(name)) continue;
    const removed = delete (globalThis as Record<string, unknown>)[name];
    const value = replacements[name];
    if (removed || Object.getOwnPropertyDescriptor(globalThis, name)?.configurable)
      Object.defineProperty(globalThis, name, { value, writable: false, configurable: false });
  }
}
