import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type CompareOptions, outputDifference, variesTag } from "../notebook/compare.ts";
import { type Notebook, NotebookError, notebookText, readNotebook, tagsOf } from "../notebook/format.ts";
import { injectParameters, parseParameter } from "../notebook/parameters.ts";
import { type CellFailure, runNotebook } from "../notebook/run.ts";

const usage = `Usage: cirlab run NOTEBOOK.ipynb [--output OUT.ipynb] [-p name=value ...] [options]

Executes a notebook from top to bottom in a new kernel.
  --output FILE     where the executed notebook goes (default: only run it)
  -p name=value     sets a parameter that the cell tagged "parameters" declares with let; repeatable
  --timeout S       longest time for one cell, in seconds (default: none)
  --compare         tell cell by cell which outputs differ from those in the file; times and ids do not count, cells
                    tagged "varies" are passed over
  --tolerance T     numbers may differ by this part (1e-6, for example; default: 0)
  --exact           times and ids count too
  --allow-errors    go on after a cell that throws, and exit with 0
  --quiet           no progress

Exit code: 0 all cells ran; 1 a cell failed; 2 the notebook or the options cannot be used; 3 outputs differ.`;

interface Options {
  notebook: string;
  output: string | undefined;
  parameters: Map<string, unknown>;
  timeoutMs: number | undefined;
  allowErrors: boolean;
  compare: CompareOptions | undefined;
  quiet: boolean;
}

function readOptions(argv: string[]): Options | "help" {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      output: { type: "string", short: "o" },
      parameter: { type: "string", short: "p", multiple: true },
      timeout: { type: "string" },
      "allow-errors": { type: "boolean" },
      compare: { type: "boolean" },
      tolerance: { type: "string" },
      exact: { type: "boolean" },
      quiet: { type: "boolean", short: "q" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return "help";
  const [notebook, ...others] = positionals;
  if (!notebook || others.length > 0) throw new NotebookError("Name one notebook: cirlab run NOTEBOOK.ipynb");
  const seconds = values.timeout === undefined ? undefined : Number(values.timeout);
  if (seconds !== undefined && !(seconds > 0)) {
    throw new NotebookError(`--timeout must be a number of seconds above 0 (was "${values.timeout}").`);
  }
  if (!values.compare && (values.tolerance !== undefined || values.exact))
    throw new NotebookError("--tolerance and --exact go with --compare.");
  const tolerance = Number(values.tolerance ?? 0);
  if (!(tolerance >= 0 && tolerance < 1)) {
    throw new NotebookError(`--tolerance must be a number from 0 to below 1 (was "${values.tolerance}").`);
  }
  return {
    notebook,
    output: values.output,
    parameters: new Map((values.parameter ?? []).map(parseParameter)),
    timeoutMs: seconds === undefined ? undefined : seconds * 1000,
    allowErrors: values["allow-errors"] ?? false,
    compare: values.compare ? { tolerance, exact: values.exact ?? false } : undefined,
    quiet: values.quiet ?? false,
  };
}

/** `cirlab run`: executes a notebook headless. */
export async function main(argv: string[]): Promise<number> {
  let options: Options | "help";
  let notebook: Notebook;
  try {
    options = readOptions(argv);
    if (options === "help") {
      console.log(usage);
      return 0;
    }
    notebook = await readNotebook(options.notebook);
    injectParameters(notebook, options.parameters);
  } catch (error) {
    console.error(`cirlab run: ${(error as Error).message}`);
    return 2;
  }
  return execute(notebook, options);
}

async function execute(notebook: Notebook, options: Options): Promise<number> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.on("SIGINT", stop);
  try {
    const failures = await runNotebook(notebook, {
      folder: dirname(resolve(options.notebook)),
      allowErrors: options.allowErrors,
      signal: controller.signal,
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      onCell: (index, cell) => {
        if (!options.quiet) console.error(`cell ${index + 1}/${notebook.cells.length}: ${summary(cell.source)}`);
      },
    });
    if (options.output !== undefined) await writeWhole(options.output, notebookText(notebook));
    for (const { index, firstLine, traceback } of failures) {
      console.error(`cirlab run: cell ${index + 1} failed: ${firstLine}\n${traceback.join("\n")}`);
    }
    const differences = options.compare ? compare(notebook, options.compare, failures) : 0;
    if (failures.length > 0 && !options.allowErrors) return 1;
    return differences > 0 ? 3 : 0;
  } catch (error) {
    console.error(`cirlab run: ${(error as Error).message}`);
    return 1;
  } finally {
    process.off("SIGINT", stop);
  }
}

/** Tells which cells have other outputs than the file had; returns how many. */
function compare(notebook: Notebook, options: CompareOptions, failures: readonly CellFailure[]): number {
  const stoppedAt = failures.at(-1)?.index ?? notebook.cells.length;
  let differences = 0;
  let compared = 0;
  for (const [index, cell] of notebook.cells.entries()) {
    if (cell.cell_type !== "code" || index > stoppedAt || tagsOf(cell).includes(variesTag)) continue;
    compared++;
    const found = outputDifference(cell.savedOutputs ?? [], cell.outputs ?? [], options);
    if (found === undefined) continue;
    differences++;
    console.log(`cell ${index + 1} (${summary(cell.source)}): ${found}`);
  }
  console.log(differences === 0 ? `${compared} cells gave the same.` : `${differences} of ${compared} cells differ.`);
  return differences;
}

function summary(source: string): string {
  const line = source.split("\n").find((text) => text.trim() !== "" && !text.trim().startsWith("//")) ?? source;
  return line.trim().slice(0, 80);
}

/** A reader meets the old file or the new one, never a part. */
async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(resolve(path)), { recursive: true });
  const temporary = join(dirname(resolve(path)), `.${randomUUID()}.tmp`);
  try {
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
