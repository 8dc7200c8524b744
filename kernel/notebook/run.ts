import type { Notebook, NotebookCell, Output } from "./format.ts";
import { startKernel } from "./kernelProcess.ts";
import { OutputCollector } from "./outputs.ts";

/** What a cell that failed said. */
export interface CellFailure {
  /** Place among all cells of the notebook, from 0. */
  index: number;
  /** First line of its source that is not empty. */
  firstLine: string;
  traceback: string[];
}

export interface RunOptions {
  /** Folder in which the cells run. */
  folder: string;
  /** A cell that runs longer is interrupted and fails. */
  timeoutMs?: number;
  /** Go on after a cell that fails. */
  allowErrors?: boolean;
  /** Told before each code cell: its place among all cells, from 0. */
  onCell?: (index: number, cell: NotebookCell) => void;
  /** Stops the run: the running cell is interrupted. */
  signal?: AbortSignal;
}

/** How long an interrupted cell may take to end before the run is given up. */
const interruptGraceMs = 15_000;

/**
 * Executes the code cells of a notebook in a new kernel; outputs and execution counts go into `notebook`.
 *
 * @returns the cells that failed: at most one, unless `allowErrors`.
 */
export async function runNotebook(notebook: Notebook, options: RunOptions): Promise<CellFailure[]> {
  const kernel = await startKernel(options.folder);
  const failures: CellFailure[] = [];
  try {
    const info = (await kernel.client.request("shell", "kernel_info_request")).content;
    notebook.metadata = { ...notebook.metadata, kernelspec: kernelspecMetadata, language_info: info.language_info };
    // Answered once the compiler is loaded: the time limit of the first cell is for the cell.
    await kernel.client.request("shell", "is_complete_request", { code: "" });
    const collector = new OutputCollector();
    kernel.client.onMessage((message) => {
      if (message.channel === "iopub") collector.receive(message);
    });
    for (const [index, cell] of notebook.cells.entries()) {
      if (cell.cell_type !== "code" || cell.source.trim() === "") continue;
      options.onCell?.(index, cell);
      const failure = await runCell(kernel, collector, cell, options);
      if (!failure) continue;
      const firstLine = cell.source.split("\n").find((line) => line.trim() !== "") ?? "";
      failures.push({ index, firstLine: firstLine.trim(), traceback: failure });
      if (!options.allowErrors || options.signal?.aborted) break;
    }
  } finally {
    await kernel.stop();
  }
  return failures;
}

const kernelspecMetadata = { name: "cirlab", display_name: "TypeScript (CIR Lab)", language: "typescript" };

type Kernel = Awaited<ReturnType<typeof startKernel>>;

/** Runs one cell; returns the traceback if it failed. */
async function runCell(
  kernel: Kernel,
  collector: OutputCollector,
  cell: NotebookCell,
  options: RunOptions,
): Promise<string[] | undefined> {
  const { client } = kernel;
  const outputs: Output[] = [];
  cell.outputs = outputs;
  const request = client.message(
    "execute_request",
    {
      code: cell.source,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: !options.allowErrors,
    },
    { metadata: { cellId: cell.id } },
  );
  const id = request.header.msg_id;
  collector.addCell(id, outputs);
  const idle = new Promise<void>((resolve) => {
    const stop = client.onMessage((message) => {
      if (message.parent_header.msg_id !== id || message.content.execution_state !== "idle") return;
      stop();
      resolve();
    });
  });
  const interrupt = () => void client.request("control", "interrupt_request").catch(() => undefined);
  let gaveUp: (error: Error) => void = () => undefined;
  const overdue = new Promise<never>((_, reject) => {
    gaveUp = reject;
  });
  overdue.catch(() => undefined);
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  const giveUpLater = () => {
    timer = setTimeout(() => gaveUp(new Error("The cell did not stop when it was interrupted.")), interruptGraceMs);
  };
  if (options.timeoutMs !== undefined) {
    timer = setTimeout(() => {
      isLate = true;
      interrupt();
      giveUpLater();
    }, options.timeoutMs);
  }
  options.signal?.addEventListener("abort", interrupt);
  try {
    const reply = await Promise.race([client.ask("shell", request), kernel.ended, overdue]);
    await Promise.race([idle, kernel.ended]);
    cell.execution_count = typeof reply.content.execution_count === "number" ? reply.content.execution_count : null;
    if (reply.content.status === "ok") return undefined;
    const traceback = Array.isArray(reply.content.traceback) ? reply.content.traceback.map(String) : [];
    return isLate ? [`The cell ran longer than ${options.timeoutMs! / 1000} s.`, ...traceback] : traceback;
  } catch (error) {
    const { message } = error as Error;
    outputs.push({ output_type: "error", ename: "KernelError", evalue: message, traceback: [message] });
    return [message];
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", interrupt);
  }
}
