import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { promisify } from "node:util";
import { zipSync } from "fflate";
import { type Notebook, serializeNotebook } from "../contents/notebooks.ts";
import { HttpError } from "../errors.ts";

const run = promisify(execFile);

/** What an installed nbconvert can make beside what is made here, and the media type of each. */
export const externalFormats: Readonly<Record<string, string>> = {
  asciidoc: "text/asciidoc",
  latex: "text/latex",
  pdf: "application/pdf",
  qtpdf: "application/pdf",
  qtpng: "image/png",
  rst: "text/restructuredtext",
  slides: "text/html",
  webpdf: "application/pdf",
};

/** A PDF of a long notebook takes LaTeX a while. */
const maxMs = 180_000;

/** The program, where it is installed; looked for anew each time, so that an installation needs no restart. */
export function findNbconvert(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const names = process.platform === "win32" ? ["jupyter-nbconvert.exe"] : ["jupyter-nbconvert"];
  return (env.PATH ?? "")
    .split(delimiter)
    .filter(Boolean)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

export interface Converted {
  bytes: Uint8Array;
  /** With its dot. */
  extension: string;
  mimetype: string;
}

/**
 * Has the installed nbconvert convert a notebook. Several files (LaTeX with its pictures) come as a zip.
 *
 * @param name of the notebook without `.ipynb`.
 * @throws HttpError 400 where nbconvert is not installed, 500 with its message when it fails.
 */
export async function convertOutside(notebook: Notebook, format: string, name: string): Promise<Converted> {
  const program = findNbconvert();
  if (!program)
    throw new HttpError(
      400,
      `The format ${format} needs nbconvert, which is not installed. Install it (pip install nbconvert) and export again; ` +
        "html, markdown, script and notebook need nothing.",
    );
  const box = await mkdtemp(join(tmpdir(), "cirlab-nbconvert-"));
  try {
    const [input, made] = [join(box, "notebook.ipynb"), join(box, "made")];
    await writeFile(input, serializeNotebook(notebook));
    try {
      await run(program, ["--to", format, "--output-dir", made, "--output", safeName(name), input], {
        cwd: box,
        timeout: maxMs,
        maxBuffer: 16 * 2 ** 20,
      });
    } catch (error) {
      const { stderr, message } = error as { stderr?: string; message: string };
      throw new HttpError(500, `nbconvert failed: ${complaint(stderr ?? "") || message}`);
    }
    return await collect(made, format);
  } finally {
    await rm(box, { recursive: true, force: true });
  }
}

/** What a Python program said when it failed, without the way there. */
function complaint(stderr: string): string {
  const text = stderr.trim();
  return /^[\w.]+(?:Error|Exception|Missing)\b[\s\S]*/m.exec(text)?.[0] ?? text.split("\n").slice(-5).join("\n");
}

async function collect(folder: string, format: string): Promise<Converted> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  if (!files.length) throw new HttpError(500, "nbconvert failed: it wrote no file");
  if (files.length > 1) {
    const parts = await Promise.all(
      files.map(async (file) => [relative(folder, file), new Uint8Array(await readFile(file))] as const),
    );
    const bytes = zipSync(Object.fromEntries(parts));
    return { bytes, extension: ".zip", mimetype: "application/zip" };
  }
  const extension = /(?:\.slides)?\.\w+$/.exec(files[0]!)?.[0] ?? "";
  return { bytes: await readFile(files[0]!), extension, mimetype: externalFormats[format]! };
}

/** A name that is neither an option of the program nor a path. */
const safeName = (name: string): string =>
  name.replace(/[^\p{L}\p{N} _.-]/gu, "_").replace(/^[-.]+/, "_") || "notebook";
