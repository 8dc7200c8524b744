import { access, constants, stat } from "node:fs/promises";
import { extname } from "node:path";
import { HttpError } from "../errors.ts";

export type ContentsType = "directory" | "file" | "notebook";
export type ContentsFormat = "text" | "base64" | "json";

/** A file or folder as Jupyter's contents API describes it. */
export interface ContentsModel {
  name: string;
  /** Relative to the served folder; the folder itself is "". */
  path: string;
  type: ContentsType;
  /** ISO 8601. */
  created: string;
  /** ISO 8601. */
  last_modified: string;
  writable: boolean;
  /** Bytes; null for folders. */
  size: number | null;
  mimetype: string | null;
  format: ContentsFormat | null;
  /** Text, base64, a notebook, or a folder's models; null when not asked for. */
  content: unknown;
  /** SHA-256 of the bytes on disk, hexadecimal; null when not asked for. */
  hash: string | null;
  hash_algorithm: "sha256" | null;
}

/** What a save brings. */
export interface SaveInput {
  type: ContentsType;
  format?: ContentsFormat | null | undefined;
  content?: unknown;
  /** SHA-256 of the file that the saver knows: when the file is another one by now, nothing is saved. */
  if_hash?: string | null | undefined;
}

/** Media types of what people keep beside notebooks; other files are text/plain or application/octet-stream. */
const mediaTypes: Record<string, string> = {
  ".css": "text/css",
  ".csv": "text/csv",
  ".gif": "image/gif",
  ".html": "text/html",
  ".ipynb": "application/x-ipynb+json",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".jsonl": "application/jsonl",
  ".md": "text/markdown",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".py": "text/x-python",
  ".svg": "image/svg+xml",
  ".ts": "text/typescript",
  ".tsv": "text/tab-separated-values",
  ".txt": "text/plain",
  ".webp": "image/webp",
  ".xml": "text/xml",
  ".yaml": "application/yaml",
  ".yml": "application/yaml",
  ".zip": "application/zip",
};

export function mediaType(path: string, format: ContentsFormat): string {
  return mediaTypes[extname(path).toLowerCase()] ?? (format === "text" ? "text/plain" : "application/octet-stream");
}

/** The description of what lies at `real`, without content. */
export async function describe(path: string, real: string): Promise<ContentsModel> {
  const info = await stat(real);
  if (!info.isDirectory() && !info.isFile()) throw new HttpError(400, `${path} is not a regular file`);
  const writable = await access(real, constants.W_OK).then(
    () => true,
    () => false,
  );
  const name = path.split("/").at(-1)!;
  return {
    name,
    path,
    type: info.isDirectory() ? "directory" : name.endsWith(".ipynb") ? "notebook" : "file",
    created: info.birthtime.toISOString(),
    last_modified: info.mtime.toISOString(),
    writable,
    size: info.isDirectory() ? null : info.size,
    mimetype: null,
    format: null,
    content: null,
    hash: null,
    hash_algorithm: null,
  };
}
