import type { PyodideAPI } from "pyodide";

/** Emscripten's file system as far as it is touched here. */
export interface FileSystem {
  filesystems: Record<string, Record<string, unknown> | undefined>;
  ErrnoError: new (code: number) => Error;
  streams: ({ node: FileNode } | null | undefined)[];
  destroyNode(node: FileNode): void;
  hashRemoveNode(node: FileNode): void;
}

interface FileNode {
  usedBytes?: number;
}

type Method = (...args: unknown[]) => unknown;

interface StreamFunctions {
  write(
    stream: { node: FileNode },
    buffer: unknown,
    offset: number,
    length: number,
    position: number,
    canOwn?: boolean,
  ): number;
}

/** The in-memory file system, whose functions call each other as properties of it. */
interface MemoryFileSystem {
  createNode: Method;
  resizeFileStorage(node: FileNode, size: number): void;
  stream_ops: StreamFunctions;
  ops_table: { file: { stream: StreamFunctions } };
}

/** What the files of a process have come to since it started. */
export interface FileWatch {
  /** Whether any was made or written. */
  touched(): boolean;
  /** What they held together at most. */
  peakBytes(): number;
}

/** Emscripten's number for "no space left on device". */
const noSpace = 51;
/** All files of a snippet together, as the jail's tmpfs. */
const maxFileBytes = 16 * 2 ** 20;
/** Files and folders that exist at the same time, as the jail's tmpfs. */
const maxNodes = 1024;

/**
 * Watches and limits the in-memory files, because they lie in JavaScript's memory where Python's heap cap does not
 * reach.
 */
export function watchFiles(python: PyodideAPI): FileWatch {
  const files = python.FS as unknown as FileSystem;
  const memory = files.filesystems.MEMFS as unknown as MemoryFileSystem;
  let touched = false;
  let nodes = 0;
  let bytes = 0;
  let peak = 0;
  const account = (growth: number): void => {
    touched = true;
    if (growth > 0 && bytes + growth > maxFileBytes) throw new files.ErrnoError(noSpace);
    bytes = Math.max(0, bytes + growth);
    peak = Math.max(peak, bytes);
  };

  const { createNode, resizeFileStorage } = memory;
  memory.createNode = (...args) => {
    touched = true;
    if (nodes >= maxNodes) throw new files.ErrnoError(noSpace);
    nodes++;
    return createNode.apply(memory, args);
  };
  memory.resizeFileStorage = (node, size) => {
    account(size - (node.usedBytes ?? 0));
    resizeFileStorage.call(memory, node, size);
  };
  const { write } = memory.stream_ops;
  // The nodes' table is a copy, made with the first node.
  for (const streams of [memory.stream_ops, memory.ops_table.file.stream])
    streams.write = (stream, buffer, offset, length, position, canOwn) => {
      account(Math.max(0, position + length - (stream.node.usedBytes ?? 0)));
      return write.call(memory.stream_ops, stream, buffer, offset, length, position, canOwn);
    };
  const { destroyNode, hashRemoveNode } = files;
  // Also on the way of a file that gets another name.
  files.hashRemoveNode = (node) => {
    touched = true;
    hashRemoveNode.call(files, node);
  };
  files.destroyNode = (node) => {
    nodes = Math.max(0, nodes - 1);
    // A removed file that is still open keeps its memory.
    if (!files.streams.some((stream) => stream?.node === node)) account(-(node.usedBytes ?? 0));
    destroyNode.call(files, node);
  };
  return { touched: () => touched, peakBytes: () => peak };
}
