import fs, { readFileSync } from "node:fs";
import os from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { PyodideAPI } from "pyodide";

/** What the wasm module's settings offer to the hook below; Emscripten's, not typed by Pyodide. */
interface EmscriptenSettings {
  instantiateWasm(imports: WasmImports, done: (instance: WasmInstance, module: unknown) => unknown): unknown;
}
interface WasmImports {
  env: Record<string, unknown>;
}
interface WasmInstance {
  exports: Record<string, unknown>;
}
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const pageBytes = 65536;
const isMemory = (value: unknown): value is WasmMemory =>
  typeof value === "object" && value !== null && "grow" in value && "buffer" in value;

/** Options of {@link bootPyodide}. */
export interface BootOptions {
  /** Snapshot to start from; without one Python starts from nothing (about 2 s). */
  snapshot?: Uint8Array;
  /** Cap on Python's heap in bytes; allocation beyond it is a MemoryError. */
  heapBytes: number;
}

/**
 * Starts Pyodide with the options that snapshot and snippets share: a fixed hash seed, no JavaScript globals, and a heap
 * that neither outgrows its cap nor is too small for the snapshot.
 */
export async function bootPyodide(options: BootOptions): Promise<PyodideAPI> {
  // Pyodide asks for this deprecated binding, which the permission model refuses; it needs the constants only.
  Object.defineProperty(process, "binding", {
    configurable: true,
    value: (name: string) => (name === "constants" ? { fs: fs.constants, os: os.constants } : {}),
  });
  const { loadPyodide } = await import("pyodide");
  const folder = dirname(fileURLToPath(import.meta.resolve("pyodide")));
  const { default: createModule } = (await import(import.meta.resolve("pyodide/pyodide.asm.mjs"))) as {
    default: (settings: EmscriptenSettings) => Promise<never>;
  };
  const snapshotBytes = options.snapshot?.byteLength ?? 0;
  const createPyodideModule = (settings: EmscriptenSettings): Promise<never> => {
    const instantiate = settings.instantiateWasm;
    settings.instantiateWasm = (imports, done) => {
      const resize = imports.env.emscripten_resize_heap as (bytes: number) => boolean | number;
      imports.env.emscripten_resize_heap = (bytes: number) => (bytes >>> 0 > options.heapBytes ? 0 : resize(bytes));
      return instantiate(imports, (instance, module) => {
        const memory = Object.values(instance.exports).find(isMemory) ?? Object.values(imports.env).find(isMemory);
        if (memory && memory.buffer.byteLength < snapshotBytes)
          memory.grow(Math.ceil((snapshotBytes - memory.buffer.byteLength) / pageBytes));
        return done(instance, module);
      });
    };
    return createModule(settings);
  };
  return loadPyodide({
    indexURL: folder,
    jsglobals: Object.create(null),
    env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0", LANG: "C.UTF-8" },
    stdout: () => {},
    stderr: () => {},
    createPyodideModule: createPyodideModule as never,
    ...(options.snapshot ? { _loadSnapshot: options.snapshot } : { _makeSnapshot: true }),
  });
}

/** Name of the module inside Python that holds the harness. */
export const harnessModule = "_cirlab_harness";

/** The Python inside a process, as one text: what both engines share, and Pyodide's way back between snippets. */
export function harnessSource(): string {
  return ["../harness.py", "../preload.py", "./reset.py"]
    .map((path) => readFileSync(new URL(path, import.meta.url), "utf8"))
    .join("\n");
}
