import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { cp, lstat, mkdir, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../src/base/files.ts";
import { notebookOf, scriptOf } from "../../pairing/merge.ts";
import { PairedScripts, type PairState } from "../../pairing/pairs.ts";
import { readPercent, writePercent } from "../../pairing/percent.ts";
import { HttpError } from "../errors.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { FileLocks } from "./locks.ts";
import { type ContentsFormat, type ContentsModel, type ContentsType, describe, mediaType } from "./models.ts";
import { emptyNotebook, type Notebook, notebookProblem, parseNotebook, serializeNotebook } from "./notebooks.ts";
import { isHidden, missing, type RootFolder, splitName } from "./paths.ts";
import type { NotebookTrust } from "./trust.ts";

export interface ReadOptions {
  /** Must be what lies there; without it the name decides. */
  type?: ContentsType | undefined;
  /** For files: "text" insists on UTF-8; without it, text when it is UTF-8, else base64. */
  format?: ContentsFormat | undefined;
  /** Default true. */
  content?: boolean;
  /** Default false. */
  hash?: boolean;
}

/** What a save brings. */
export interface SaveInput {
  type: ContentsType;
  format?: ContentsFormat | null | undefined;
  content?: unknown;
  /** SHA-256 of the file that the saver knows: when the file is another one by now, nothing is saved. */
  if_hash?: string | null | undefined;
}

/** Names that are no one's work: not listed. */
const unlisted = /^(?:__pycache__|.*\.py[co]|.*~)$/;

/** Files, notebooks and folders under the served folder, with Jupyter's rules and wording. */
export class ContentsStore {
  readonly root: RootFolder;
  readonly #checkpoints: Checkpoints;
  readonly #trust: NotebookTrust;
  readonly #locks = new FileLocks();
  readonly #saved: ((path: string, notebook: Notebook) => void)[] = [];
  readonly #opened: ((path: string, real: string, lastModified: string) => void)[] = [];
  readonly #scripts: PairedScripts;

  constructor(root: RootFolder, checkpoints: Checkpoints, trust: NotebookTrust) {
    this.root = root;
    this.#checkpoints = checkpoints;
    this.#trust = trust;
    this.#scripts = new PairedScripts(checkpoints);
  }

  async read(path: string, options: ReadOptions = {}): Promise<ContentsModel> {
    const real = await this.root.locate(path);
    const model = await describe(path, real);
    if (model.type === "directory") {
      if (options.type !== undefined && options.type !== "directory")
        throw new HttpError(400, `${path} is a directory, not a ${options.type}`, "bad type");
      return options.content === false ? model : { ...model, format: "json", content: await this.#list(path, real) };
    }
    if (options.type === "directory") throw new HttpError(400, `${path} is not a directory`, "bad type");
    model.type = options.type ?? model.type;
    if (options.content === false && !options.hash) return model;

    const bytes = await this.#bytes(path);
    if (options.hash) setHash(model, bytes);
    if (options.content === false) return model;
    if (model.type === "notebook") {
      const text = bytes.toString("utf8");
      const notebook = isScript(path)
        ? notebookOf(readPercent(text))
        : await this.#scripts.open(real, parseNotebook(text, path));
      model.content = await this.#trust.mark(notebook, bytes);
      for (const opened of this.#opened) opened(path, real, model.last_modified);
      model.format = "json";
    } else {
      Object.assign(model, fileContent(path, bytes, options.format));
    }
    return model;
  }

  /** Calls `opened` after every reading of a notebook's content, with its paths in the API and on disk. */
  onOpen(opened: (path: string, real: string, lastModified: string) => void): void {
    this.#opened.push(opened);
  }

  /** Calls `saved` after every save of a notebook that is not an `edit`. */
  onSave(saved: (path: string, notebook: Notebook) => void): void {
    this.#saved.push(saved);
  }

  /**
   * Saves a file, a notebook, or makes a folder. Whoever reads meanwhile, or a crash, meets the old file or the new.
   *
   * @throws HttpError 409 `changed on disk` when the file is not the one of `if_hash`.
   */
  async save(path: string, input: SaveInput): Promise<{ model: ContentsModel; created: boolean }> {
    const real = await this.root.target(path);
    const result = await this.#locks.hold(real, () => this.#save(path, real, input));
    if (input.type === "notebook") for (const saved of this.#saved) saved(path, input.content as Notebook);
    return result;
  }

  /**
   * Changes a notebook in place; nobody else saves it meanwhile.
   *
   * @param change changes the notebook that it is given, and returns whether it did.
   * @throws HttpError when there is no notebook.
   */
  async edit(path: string, change: (notebook: Notebook) => boolean): Promise<void> {
    const real = await this.root.target(path);
    await this.#locks.hold(real, async () => {
      const { content } = await this.read(path, { type: "notebook" });
      if (change(content as Notebook)) await this.#save(path, real, { type: "notebook", content });
    });
  }

  async #save(path: string, real: string, input: SaveInput): Promise<{ model: ContentsModel; created: boolean }> {
    const before = await stat(real).catch(() => undefined);
    if (input.type === "directory") {
      if (before && !before.isDirectory()) throw new HttpError(400, `Not a directory: ${path}`);
      if (!before) await mkdir(real);
      return { model: await describe(path, real), created: !before };
    }
    if (before?.isDirectory()) throw new HttpError(400, `${path} is a directory, not a ${input.type}`, "bad type");
    const bytes = contentBytes(input, path);
    if (before && input.if_hash && input.if_hash !== sha256(await this.#bytes(path)))
      throw new HttpError(409, `${path} has changed on disk`, "changed on disk");
    const write = () => replaceFile(real, bytes, before);
    if (input.type === "notebook") {
      const onDisk = async () => before && parseNotebook((await this.#bytes(path)).toString("utf8"), path);
      await this.#scripts.save(real, input.content as Notebook, onDisk, write);
    } else {
      await write();
    }
    if (input.type === "notebook") await this.#trust.sign(input.content as Notebook, bytes);
    const model = await describe(path, real);
    model.type = input.type;
    setHash(model, bytes);
    return { model, created: !before };
  }

  /** A new, empty file, notebook or folder with a free name in the folder. */
  async createUntitled(folder: string, type: ContentsType, extension = ""): Promise<ContentsModel> {
    const [stem, suffix] = {
      directory: ["Untitled Folder", ""],
      notebook: ["Untitled", ".ipynb"],
      file: ["untitled", extension],
    }[type];
    const path = await this.#freeName(folder, stem!, suffix!, type === "directory" ? " " : "");
    const content = type === "notebook" ? emptyNotebook() : "";
    return (await this.save(path, { type, format: type === "notebook" ? "json" : "text", content })).model;
  }

  /** Copies a file or folder into a folder, under its own name or `name-Copy1`. */
  async copy(from: string, folder: string): Promise<ContentsModel> {
    const source = await this.root.locate(from);
    const { stem, suffix } = splitName(from.split("/").at(-1)!);
    const path = await this.#freeName(folder, stem.replace(/-Copy\d*$/, ""), suffix, "-Copy");
    const target = await this.root.place(path);
    if (`${target}/`.startsWith(`${source}/`)) throw new HttpError(400, `Cannot copy ${from} into itself`);
    await cp(source, target, { recursive: true, errorOnExist: true, force: false, verbatimSymlinks: true });
    return describe(path, target);
  }

  async rename(from: string, to: string): Promise<ContentsModel> {
    const [source, target] = [await this.root.place(from), await this.root.place(to)];
    await this.#locks.hold(source, () => this.#rename(from, source, to, target));
    return describe(to, await this.root.locate(to));
  }

  async #rename(from: string, source: string, to: string, target: string): Promise<void> {
    await lstat(source).catch(() => {
      throw missing(from);
    });
    if (source !== target) {
      const taken = await lstat(target).catch(() => undefined);
      // On a disk that ignores case, Name and name are the same file, and renaming one to the other is wanted.
      if (taken && !isSame(taken, await lstat(source))) throw new HttpError(409, `File already exists: ${to}`);
      await rename(source, target);
      await this.#checkpoints.rename(source, target);
      await this.#scripts.rename(source, target, async () =>
        parseNotebook((await this.#bytes(to)).toString("utf8"), to),
      );
    }
  }

  /** Deletes a file or an empty folder. */
  async remove(path: string): Promise<void> {
    const place = await this.root.place(path);
    const info = await lstat(place).catch(() => {
      throw missing(path);
    });
    if (!info.isDirectory()) {
      await this.#locks.hold(place, () => rm(place));
      await this.#checkpoints.forget(place);
      return;
    }
    const inside = (await readdir(place)).filter((name) => name !== this.#checkpoints.folderName);
    if (inside.length) throw new HttpError(400, `Directory ${path} not empty`);
    await rm(join(place, this.#checkpoints.folderName), { recursive: true, force: true });
    await rmdir(place);
  }

  /** Declares that the notebook at `path`, as it is on disk, may show its outputs with scripts. */
  async trust(path: string): Promise<void> {
    const bytes = await this.#bytes(path);
    parseNotebook(bytes.toString("utf8"), path);
    await this.#trust.add(bytes);
  }

  /** How a notebook and the script that it is paired with stand to each other. */
  async pairState(path: string): Promise<PairState> {
    const notebook = parseNotebook((await this.#bytes(path)).toString("utf8"), path);
    return this.#scripts.state(await this.root.locate(path), notebook);
  }

  /** Decides between a notebook and its script that were both changed; both hold the same afterwards. */
  async decidePair(path: string, winner: "script" | "notebook"): Promise<void> {
    const notebook = parseNotebook((await this.#bytes(path)).toString("utf8"), path);
    const content = await this.#scripts.decide(await this.root.locate(path), notebook, winner);
    await this.save(path, { type: "notebook", format: "json", content });
  }

  async #bytes(path: string): Promise<Buffer> {
    const file = await this.root.open(path);
    try {
      return await file.readFile();
    } finally {
      await file.close();
    }
  }

  async #list(path: string, real: string): Promise<ContentsModel[]> {
    const names = (await readdir(real)).filter((name) => !name.startsWith(".") && !unlisted.test(name));
    const models = await Promise.all(
      names.map(async (name) => {
        const child = path ? `${path}/${name}` : name;
        // A dangling link, one that leads out, a socket, or a file that is just being deleted: not to be shown.
        return this.root
          .locate(child)
          .then((at) => describe(child, at))
          .catch(() => undefined);
      }),
    );
    return models.filter((model) => model !== undefined);
  }

  async #freeName(folder: string, stem: string, suffix: string, insert: string): Promise<string> {
    const real = await this.root.locate(folder);
    if (!(await stat(real)).isDirectory()) throw new HttpError(400, `${folder} is not a directory`);
    for (let i = 0; ; i++) {
      const name = `${stem}${i ? `${insert}${i}` : ""}${suffix}`;
      const taken = await lstat(join(real, name)).catch(() => undefined);
      if (taken) continue;
      const path = folder ? `${folder}/${name}` : name;
      if (isHidden(path)) throw new HttpError(400, `Cannot create or change hidden file or directory ${path}`);
      return path;
    }
  }
}

/** Scripts in percent format can be opened as notebooks; what they cannot hold, outputs, is not kept. */
const isScript = (path: string): boolean => path.endsWith(".ts");

function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/** Replaces a file whole, keeping its permissions. */
async function replaceFile(real: string, bytes: Uint8Array, before: Stats | undefined): Promise<void> {
  if (before && !before.isFile()) throw new HttpError(400, "Not a regular file");
  if (before && (before.mode & 0o222) === 0) throw new HttpError(403, "Permission denied: the file is read-only");
  await writeFileAtomic(real, bytes, before ? { mode: before.mode & 0o7777 } : {});
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function setHash(model: ContentsModel, bytes: Uint8Array): void {
  model.hash = sha256(bytes);
  model.hash_algorithm = "sha256";
}

function fileContent(path: string, bytes: Buffer, format: ContentsFormat | undefined): Partial<ContentsModel> {
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
export function contentBytes(input: SaveInput, path: string): Buffer {
  if (input.content === undefined || input.content === null) throw new HttpError(400, "No file content provided");
  if (input.type === "notebook") {
    const problem = notebookProblem(input.content);
    if (problem) throw new HttpError(400, `Notebook ${path} is not valid: ${problem}`);
    const notebook = input.content as Notebook;
    return Buffer.from(isScript(path) ? writePercent(scriptOf(notebook)) : serializeNotebook(notebook));
  }
  if (input.format !== "text" && input.format !== "base64")
    throw new HttpError(400, "Must specify format of file contents as 'text' or 'base64'");
  if (typeof input.content !== "string") throw new HttpError(400, "File content must be a string");
  if (input.format === "text") return Buffer.from(input.content);
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(input.content))
    throw new HttpError(400, "Encoding error: content is not base64");
  return Buffer.from(input.content, "base64");
}
