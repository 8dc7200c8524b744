import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { writeFileAtomic } from "../../src/base/files.ts";
import { parseNotebook, serializeNotebook } from "../api/contents/notebooks.ts";
import { mergeScript, notebookOf, scriptOf } from "../pairing/merge.ts";
import { readPercent, writePercent } from "../pairing/percent.ts";

const usage = `Usage: cirlab notebook to-script NOTEBOOK.ipynb [--output FILE.ts] [--ids]
       cirlab notebook to-notebook SCRIPT.ts [--output FILE.ipynb]

Turns a notebook into a script in percent format (every cell begins with a line "// %%", as for jupytext and VS Code), or
a script into a notebook. An existing notebook keeps the outputs of the cells that the script does not change.
  --output FILE  where the result goes (default: beside the source); - prints it
  --ids          write the cells' ids too`;

/** `cirlab notebook`: converts between notebooks and scripts. */
export async function main(argv: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        output: { type: "string", short: "o" },
        ids: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      return 0;
    }
    const [action, source, ...more] = positionals;
    if ((action !== "to-script" && action !== "to-notebook") || source === undefined || more.length > 0)
      throw new Error(`name what to do and one file.\n\n${usage}`);
    if (action === "to-script") await toScript(source, values.output, values.ids);
    else await toNotebook(source, values.output);
    return 0;
  } catch (error) {
    console.error(`cirlab notebook: ${(error as Error).message}`);
    return 2;
  }
}

async function toScript(source: string, output = beside(source, ".ipynb", ".ts"), ids: boolean): Promise<void> {
  const notebook = parseNotebook(await readFile(source, "utf8"), source);
  const { cells } = scriptOf(notebook);
  const withIds = cells.map((cell, i) => {
    const { id } = notebook.cells[i]!;
    return typeof id === "string" ? { ...cell, id } : cell;
  });
  // A script that stands alone keeps all that says something: not the language, which its name tells.
  const { language_info: _, widgets: __, ...metadata } = notebook.metadata;
  await put(output, writePercent({ metadata, cells: withIds }, { ids }));
}

async function toNotebook(source: string, output = beside(source, ".ts", ".ipynb")): Promise<void> {
  const script = readPercent(await readFile(source, "utf8"));
  const old = output === "-" ? undefined : await readFile(output, "utf8").catch(() => undefined);
  const notebook = old === undefined ? notebookOf(script) : mergeScript(parseNotebook(old, output), script);
  await put(output, serializeNotebook(notebook));
}

function beside(source: string, extension: string, other: string): string {
  if (!source.endsWith(extension)) throw new Error(`${source} is no ${extension} file. Name the result with --output.`);
  return source.slice(0, -extension.length) + other;
}

async function put(output: string, text: string): Promise<void> {
  if (output === "-") process.stdout.write(text);
  else await writeFileAtomic(output, text);
}
