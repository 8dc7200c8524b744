import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { replaceFileAtomic } from "../../../src/base/files.ts";
import { scriptOf } from "../../pairing/merge.ts";
import { writePercent } from "../../pairing/percent.ts";
import { HttpError } from "../errors.ts";
import { gather } from "../turns.ts";
import { type ContentsFormat, type ContentsModel, mediaType, type SaveInput } from "./models.ts";
import { type Notebook, notebookPieces, notebookProblem } from "./notebooks.ts";

/** Scripts in percent format can be opened as notebooks; what they cannot hold, outputs, is not kept. */
export const isScript = (path: string): boolean => path.endsWith(".ts");

/**
 * The permissions that whatever takes a file's place keeps; undefined when there is no file.
 *
 * @throws HttpError 400 when it is no regular file, 403 when it is read-only.
 */
export function modeToKeep(before: Stats | undefined): number | undefined {
  if (!before) return undefined;
  if (!before.isFile()) throw new HttpError(400, "Not a regular file");
  if ((before.mode & 0o222) === 0) throw new HttpError(403, "Permission denied: the file is read-only");
  return before.mode & 0o7777;
}

/** Replaces a file whole, keeping its permissions. */
export async function replaceFile(real: string, bytes: Uint8Array, before: Stats | undefined): Promise<void> {
  const mode = modeToKeep(before);
  await replaceFileAtomic(real, bytes, mode === undefined ? {} : { mode });
}

/** SHA-256, hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function setHash(model: ContentsModel, bytes: Uint8Array): void {
  model.hash = sha256(bytes);
  model.hash_algorithm = "sha256";
}

/**
 * What a model says of a file that is read.
 *
 * @throws HttpError 400 when it is not of the wanted format.
 */
export function fileContent(path: string, bytes: Buffer, format: ContentsFormat | undefined): Partial<ContentsModel> {
  if (format === "json") throw new HttpError(400, `${path} is not a notebook or directory`, "bad format");
  let text: string | undefined;
  if (format !== "base64") {
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      if (format === "text") throw new HttpError(400, `${path} is not UTF-8 encoded`, "bad format");
    }
  }
  const used = text === undefined ? "base64" : "text";
  return { content: text ?? bytes.toString("base64"), format: used, mimetype: mediaType(path, used) };
}

/** The bytes that a save asks to write. */
export async function contentBytes(input: SaveInput, path: string): Promise<Buffer> {
  if (input.content === undefined || input.content === null) throw new HttpError(400, "No file content provided");
  if (input.type === "notebook") {
    const problem = notebookProblem(input.content);
    if (problem) throw new HttpError(400, `Notebook ${path} is not valid: ${problem}`);
    const notebook = input.content as Notebook;
    return isScript(path) ? Buffer.from(writePercent(scriptOf(notebook))) : gather(notebookPieces(notebook));
  }
  if (input.format !== "text" && input.format !== "base64")
    throw new HttpError(400, "Must specify format of file contents as 'text' or 'base64'");
  if (typeof input.content !== "string") throw new HttpError(400, "File content must be a string");
  if (input.format === "text") return Buffer.from(input.content);
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(input.content))
    throw new HttpError(400, "Encoding error: content is not base64");
  return Buffer.from(input.content, "base64");
}
