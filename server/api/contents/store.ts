import type { Stats } from "node:fs";
import { cp, lstat, mkdir, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { notebookOf } from "../../pairing/merge.ts";
import { PairedScripts, type PairState } from "../../pairing/pairs.ts";
import { readPercent } from "../../pairing/percent.ts";
import { megabyte } from "../bodies.ts";
import { HttpError } from "../errors.ts";
import { giveWay } from "../turns.ts";
import { contentBytes, fileContent, isScript, replaceFile, setHash, sha256 } from "./bytes.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { FileLocks } from "./locks.ts";
import { type ContentsFormat, type ContentsModel, type ContentsType, describe, type SaveInput } from "./models.ts";
import { emptyNotebook, type Notebook, parseNotebook } from "./notebooks.ts";
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

/** The largest file whose text can be one string. */
const maxContentBytes = 512 * megabyte;

/** Names that are no one's work: not listed. */
const unlisted = /^(?:__pycache__|.*\.py[co]|.*~)$/;

/** Files, notebooks and folders under the served folder, with Jupyter's rules and wording. */
export class ContentsStore {
  readonly root: RootFolder;
  readonly #checkpoints: Checkpoints;
  readonly #trust: NotebookTrust;
  readonly #locks = new FileLocks();
  readonly #saved: ((path: string, notebook: Notebook) => void)[] = [];
  readonly #renamed: ((from: string, to: string) => void)[] = [];
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

    if (model.size! > maxContentBytes)
      throw new HttpError(
        400,
        `${path} is too large to be opened (${model.size} bytes). Download it instead.`,
        "too large",
      );
    const bytes = await this.#bytes(path);
    if (options.hash) setHash(model, bytes);
    if (options.content === false) return model;
    if (model.type === "notebook") {
      const text = bytes.toString("utf8");
      await giveWay(bytes.length);
      const notebook = isScript(path)
        ? notebookOf(readPercent(text))
        : await this.#scripts.open(real, parseNotebook(text, path));
      await giveWay(bytes.length);
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

  /** Calls `renamed` after every renaming of a file or folder. */
  onRename(renamed: (from: string, to: string) => void): void {
    this.#renamed.push(renamed);
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
    const result = await this.#locks.hold([real], () => this.#save(path, real, input));
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
    await this.#locks.hold([real], async () => {
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
    const bytes = await contentBytes(input, path);
    if (before && input.if_hash && input.if_hash !== sha256(await this.#bytes(path)))
      throw new HttpError(409, `${path} has changed on disk`, "changed on disk");
    const write = () => replaceFile(real, bytes, before);
    if (input.type === "notebook") {
      await this.#trust.sign(input.content as Notebook, bytes);
      const onDisk = async () => before && parseNotebook((await this.#bytes(path)).toString("utf8"), path);
      await this.#scripts.save(real, input.content as Notebook, onDisk, write);
    } else {
      await write();
    }
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
    const content = type === "notebook" ? emptyNotebook() : "";
    const input: SaveInput = { type, format: type === "notebook" ? "json" : "text", content };
    const insert = type === "directory" ? " " : "";
    return this.#withFreeName({ folder, stem: stem!, suffix: suffix!, insert }, async (path) => {
      return (await this.save(path, input)).model;
    });
  }

  /** Copies a file or folder into a folder, under its own name or `name-Copy1`. */
  async copy(from: string, folder: string): Promise<ContentsModel> {
    const source = await this.root.locate(from);
    const { stem, suffix } = splitName(from.split("/").at(-1)!);
    const plain = stem.replace(/-Copy\d*$/, "");
    return this.#withFreeName({ folder, stem: plain, suffix, insert: "-Copy" }, async (path) => {
      const target = await this.root.place(path);
      if (isWithin(target, source)) throw new HttpError(400, `Cannot copy ${from} into itself`);
      await copyWhole(source, target);
      return describe(path, target);
    });
  }

  async rename(from: string, to: string): Promise<ContentsModel> {
    const [source, target] = [await this.root.place(from), await this.root.place(to)];
    await this.#locks.hold([source, target], () => this.#rename(from, source, to, target));
    for (const renamed of this.#renamed) renamed(from, to);
    return describe(to, await this.root.locate(to));
  }

  async #rename(from: string, source: string, to: string, target: string): Promise<void> {
    await lstat(source).catch(() => {
      throw missing(from);
    });
    if (source !== target) {
      if (isWithin(target, source)) throw new HttpError(400, `Cannot move ${from} into itself`);
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
      await this.#locks.hold([place], () => rm(place));
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

  /** Takes a name that nothing in the folder has; nobody else takes it meanwhile. */
  async #withFreeName<T>(
    { folder, stem, suffix, insert }: NameOptions,
    take: (path: string) => Promise<T>,
  ): Promise<T> {
    const real = await this.root.locate(folder);
    if (!(await stat(real)).isDirectory()) throw new HttpError(400, `${folder} is not a directory`);
    return this.#locks.hold([real], async () => {
      for (let i = 0; ; i++) {
        const name = `${stem}${i ? `${insert}${i}` : ""}${suffix}`;
        const taken = await lstat(join(real, name)).catch(() => undefined);
        if (taken) continue;
        const path = folder ? `${folder}/${name}` : name;
        if (isHidden(path)) throw new HttpError(400, `Cannot create or change hidden file or directory ${path}`);
        return take(path);
      }
    });
  }
}

/** A name for something new: `stem` + `suffix`, with `insert` and a number between them when that is taken. */
interface NameOptions {
  folder: string;
  stem: string;
  suffix: string;
  insert: string;
}

/** Copies all of a folder, or nothing. */
async function copyWhole(source: string, target: string): Promise<void> {
  try {
    await cp(source, target, { recursive: true, errorOnExist: true, force: false, verbatimSymlinks: true });
  } catch (error) {
    const isOther = (error as NodeJS.ErrnoException).code === "ERR_FS_CP_EEXIST";
    if (!isOther) await rm(target, { recursive: true, force: true });
    throw error;
  }
}

/** Whether a place on disk is another one, or lies in it. */
const isWithin = (place: string, other: string): boolean => `${place}/`.startsWith(`${other}/`);

function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}
