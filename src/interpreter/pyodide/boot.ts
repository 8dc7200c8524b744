import fs, { readFileSync } from "node:fs";
import os from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { PyodideAPI } from "pyodide";
import type { SnapshotFile } from "./snapshot-file.ts";

/** What the wasm module's settings offer to the hooks below; Emscripten's and Pyodide's, not typed by Pyodide. */
interface EmscriptenSettings {
  instantiateWasm(imports: WasmImports, done: (instance: WasmInstance, module: unknown) => unknown): unknown;
  API: { restoreSnapshot(snapshot: Uint8Array): unknown };
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
  snapshot?: SnapshotFile;
  /** What Python's heap may grow by beyond the snapshot; more is a MemoryError. Bytes. */
  extraBytes: number;
}

/** A Python that runs. */
export interface BootedPython {
  python: PyodideAPI;
  /** Size of the heap now. It never shrinks. Bytes. */
  heapBytes(): number;
  /** Whether Python asked for more than it may have, since the limit was set. */
  wasRefused(): boolean;
  /** Changes how much the heap may grow by, up to what it was started with. */
  limitHeap(extraBytes: number): void;
}

/** Where the packages lie in the in-memory file system, as one zip file. */
export const archivePath = "/lib/packages.zip";

/**
 * Starts Pyodide with the options that snapshot and snippets share: a fixed hash seed, no JavaScript globals, and a heap
 * that neither outgrows its cap nor is too small for the snapshot.
 */
export async function bootPyodide({ snapshot, extraBytes }: BootOptions): Promise<BootedPython> {
  // Pyodide asks for this deprecated binding, which the permission model refuses; it needs the constants only.
  Object.defineProperty(process, "binding", {
    configurable: true,
    value: (name: string) => (name === "constants" ? { fs: fs.constants, os: os.constants } : {}),
  });
  const { loadPyodide } = await import("pyodide");
  const folder = dirname(fileURLToPath(import.meta.resolve("pyodide")));
  const { default: createModule } = (await import(import.meta.resolve("pyodide/pyodide.asm.mjs"))) as {
    default: (settings: EmscriptenSettings) => Promise<{ API: EmscriptenSettings["API"] }>;
  };
  const startBytes = snapshot?.head.heapBytes ?? 0;
  let limit = startBytes + extraBytes;
  let refused = false;
  let memory: WasmMemory | undefined;
  // Emscripten asks for more than it needs, and for less where that is refused.
  const capGrowth = (wasm: WasmMemory): void => {
    const grow = wasm.grow.bind(wasm);
    wasm.grow = (pages) => {
      if (wasm.buffer.byteLength + pages * pageBytes <= limit) return grow(pages);
      refused = true;
      throw new RangeError("out of memory");
    };
  };
  const createPyodideModule = async (settings: EmscriptenSettings): Promise<unknown> => {
    const instantiate = settings.instantiateWasm;
    settings.instantiateWasm = (imports, done) =>
      instantiate(imports, (instance, module) => {
        memory = Object.values(instance.exports).find(isMemory) ?? Object.values(imports.env).find(isMemory);
        const lacking = startBytes - (memory?.buffer.byteLength ?? 0);
        if (lacking > 0) memory?.grow(Math.ceil(lacking / pageBytes));
        if (memory) capGrowth(memory);
        return done(instance, module);
      });
    const created = await createModule(settings);
    if (snapshot) restoreFrom(snapshot, created.API, () => new Uint8Array(memory!.buffer));
    return created;
  };
  const python = await loadPyodide({
    indexURL: folder,
    jsglobals: Object.create(null),
    env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0", LANG: "C.UTF-8" },
    stdout: () => {},
    stderr: () => {},
    createPyodideModule: createPyodideModule as never,
    ...(snapshot ? { _loadSnapshot: Buffer.from(snapshot.head.preamble, "base64") } : { _makeSnapshot: true }),
  });
  // Files are not part of the memory that was stored.
  if (snapshot?.head.archiveBytes) python.FS.writeFile(archivePath, snapshot.archive(), { canOwn: true });
  return {
    python,
    heapBytes: () => memory!.buffer.byteLength,
    wasRefused: () => refused,
    limitHeap: (bytes) => {
      refused = false;
      limit = startBytes + Math.min(bytes, extraBytes);
    },
  };
}

/** Pyodide gets its own head only, with no memory after it; the memory goes from the file straight into the heap. */
function restoreFrom(snapshot: SnapshotFile, api: EmscriptenSettings["API"], heap: () => Uint8Array): void {
  const restore = api.restoreSnapshot;
  api.restoreSnapshot = (preamble) => {
    const state = restore(preamble);
    snapshot.restore(heap());
    return state;
  };
}

/** Name of the module inside Python that holds the harness. */
export const harnessModule = "_cirlab_harness";

/** The Python inside a process, as one text: what both engines share, and Pyodide's way back between snippets. */
export function harnessSource(): string {
  return ["../clock.py", "../harness.py", "../preload.py", "./reset.py"]
    .map((path) => readFileSync(new URL(path, import.meta.url), "utf8"))
    .join("\n");
}

/** Loads sympy and what it puts off until its first use. */
export const warmSource = (): string => readFileSync(new URL("../warm-sympy.py", import.meta.url), "utf8");
