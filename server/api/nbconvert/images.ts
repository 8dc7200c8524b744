import { readFile, stat } from "node:fs/promises";
import { dirname, posix } from "node:path";
import { mediaType } from "../contents/models.ts";
import { parsePath, type RootFolder } from "../contents/paths.ts";

/** The largest picture that becomes part of an exported page, in bytes. */
const maxBytes = 10 * 2 ** 20;

/**
 * Reads pictures that a notebook's text refers to, for pages that stand alone.
 *
 * @param notebook path of the notebook in the API.
 * @returns gives the data URL of a path relative to the notebook; undefined for what is no picture of the served folder.
 */
export function pictureReader(root: RootFolder, notebook: string): (href: string) => Promise<string | undefined> {
  return async (href) => {
    try {
      const path = decodeURIComponent(href.split(/[?#]/, 1)[0]!);
      const inside = path.startsWith("/") ? path : posix.join(dirname(notebook), path);
      const real = await root.locate(parsePath(inside));
      const type = mediaType(real, "base64");
      if (!type.startsWith("image/") || (await stat(real)).size > maxBytes) return undefined;
      return `data:${type};base64,${(await readFile(real)).toString("base64")}`;
    } catch {
      return undefined;
    }
  };
}
