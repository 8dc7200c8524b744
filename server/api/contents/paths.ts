import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { HttpError } from "../errors.ts";

/** Names that mean a device in every folder of Windows, with any suffix. */
const windowsDevices = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;

/**
 * Whether a name could mean another place than a file of that name. On Windows also drive letters and alternate streams
 * (`:`), devices, and names that lose their end (`a.txt.`).
 */
function isTreacherous(name: string, platform: NodeJS.Platform): boolean {
  if (name === "." || name.includes("/") || name.includes("\0")) return true;
  // Refused everywhere, since a folder may be shared with a system that reads it otherwise.
  if (name.split("\\").includes("..")) return true;
  return platform === "win32" && (/[\\:*?"<>|]|[. ]$/.test(name) || windowsDevices.test(name));
}

/**
 * Splits and checks a path of the API ("folder/file.txt", relative to the served folder, `/` between names).
 *
 * @throws HttpError 404 for names that could lead out of the folder or that no file can have.
 */
export function parsePath(raw: string | readonly string[], platform: NodeJS.Platform = process.platform): string {
  const names = (typeof raw === "string" ? raw.split("/") : raw).filter((name) => name !== "");
  if (names.some((name) => isTreacherous(name, platform)))
    throw new HttpError(404, `${names.join("/")} is outside root contents directory`);
  return names.join("/");
}

/** Hidden files are neither listed nor served: a name on the way begins with a dot. */
export function isHidden(path: string): boolean {
  return path.split("/").some((name) => name.startsWith("."));
}

/** The folder that is served: turns paths of the API into paths on disk and never leaves the folder. */
export class RootFolder {
  /** Absolute path on disk, symbolic links resolved. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @throws when the folder does not exist. */
  static async open(folder: string): Promise<RootFolder> {
    const path = await realpath(folder);
    if (!(await stat(path)).isDirectory()) throw new HttpError(400, `${folder} is not a folder`);
    return new RootFolder(path);
  }

  /** Where an existing file or folder really is, links resolved; 404 when it is missing, hidden or elsewhere. */
  async locate(path: string): Promise<string> {
    if (isHidden(path)) throw missing(path);
    const real = await realpath(join(this.path, path)).catch(() => {
      throw missing(path);
    });
    if (!this.holds(real)) throw outside(path);
    return real;
  }

  /**
   * Opens an existing file to read it. Whoever puts a link in its place after it was looked for gets nothing out of the
   * folder: what was opened is looked at again.
   */
  async open(path: string): Promise<FileHandle> {
    const real = await this.locate(path);
    const file = await open(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch((error: unknown) => {
      // A link that was not there a moment ago.
      throw (error as NodeJS.ErrnoException).code === "ELOOP" ? outside(path) : error;
    });
    try {
      if (!(await this.#holdsOpen(file, real))) throw outside(path);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Where an open file is now: the kernel knows on Linux; elsewhere its name is resolved again and compared. */
  async #holdsOpen(file: FileHandle, real: string): Promise<boolean> {
    if (process.platform === "linux") return this.holds(await readlink(`/proc/self/fd/${file.fd}`));
    const again = await realpath(real);
    const [found, opened] = [await stat(again), await file.stat()];
    return this.holds(again) && found.ino === opened.ino && found.dev === opened.dev;
  }

  /** The place of a name itself (not what a link there points to), its folder resolved and existing. */
  async place(path: string): Promise<string> {
    if (path === "") throw new HttpError(400, "The root folder itself cannot be changed");
    if (isHidden(path)) throw new HttpError(400, `Cannot create or change hidden file or directory ${path}`);
    const folder = await this.locate(path.split("/").slice(0, -1).join("/"));
    return join(folder, basename(path));
  }

  /** Where to write a file: through a link to the file it names, else at the place itself. */
  async target(path: string): Promise<string> {
    const place = await this.place(path);
    const real = await realpath(place).catch(() => undefined);
    if (real === undefined) return place;
    if (!this.holds(real)) throw outside(path);
    return real;
  }

  /** Whether a resolved path lies in the folder. */
  holds(real: string): boolean {
    const inside = relative(this.path, real);
    return inside === "" || (inside !== ".." && !inside.startsWith(`..${sep}`) && dirname(inside) !== inside);
  }
}

function outside(path: string): HttpError {
  return new HttpError(404, `${path} is outside root contents directory`);
}

export function missing(path: string): HttpError {
  return new HttpError(404, `No such file or directory: ${path}`);
}

/** "model.tar.gz" is "model" + ".tar.gz"; a notebook keeps the dots of its name. */
export function splitName(name: string): { stem: string; suffix: string } {
  const dot = name.endsWith(".ipynb") ? name.length - 6 : name.indexOf(".", 1);
  return dot < 0 ? { stem: name, suffix: "" } : { stem: name.slice(0, dot), suffix: name.slice(dot) };
}
