import { Interpreter, type InterpreterOptions } from "../interpreter/index.ts";
import { howToInstall, packageFolder } from "../interpreter/packages/index.ts";

type Engine = "jail" | "pyodide" | "quickjs";

/** What an engine is asked to run here, and what to do where it does not start. */
const engines: Record<Engine, { options: InterpreterOptions; remedy: string }> = {
  jail: {
    options: { engine: "jail" },
    remedy:
      "Without it Python runs on Pyodide. On Linux: install bubblewrap and python3, and allow unprivileged user namespaces.",
  },
  pyodide: { options: { engine: "pyodide" }, remedy: "Run npm install again: Pyodide comes with the package." },
  quickjs: {
    options: { engine: "quickjs", language: "javascript" },
    remedy: "Run npm install again: QuickJS comes with the package.",
  },
};

/** How an engine fares: whether it starts, what its own attacks on it found, and what is to be done. */
async function engineLines(engine: Engine): Promise<string[]> {
  const { options, remedy } = engines[engine];
  try {
    const interpreter = await Interpreter.start({ ...options, lanes: 1 });
    try {
      const { holds, probes } = await interpreter.selfTest();
      const failed = probes.filter((probe) => !probe.holds);
      const tested = holds
        ? `self-test: all ${probes.length} probes hold`
        : `self-test: ${failed.length} of ${probes.length} probes do not hold:`;
      const found = failed.map((probe) => `  ${probe.name}${probe.found === undefined ? "" : `: ${probe.found}`}`);
      return [`${holds ? "yes" : "no"}: ${interpreter.description}`, tested, ...found, ...(holds ? [] : [remedy])];
    } finally {
      await interpreter.close();
    }
  } catch (error) {
    return [`no: ${error instanceof Error ? error.message : String(error)}`, remedy];
  }
}

/** What snippets can import beyond the standard library. */
function packageLines(engine: "jail" | "pyodide"): string[] {
  const found = packageFolder(engine);
  if (!found) return [`packages: none. ${howToInstall}`];
  return [`packages: ${found.packages.join(", ")} (in ${found.path})`];
}

/** The interpreters' part of `cirlab doctor`: what to call it, and its lines. */
export async function interpreterReport(): Promise<[what: string, lines: string[]][]> {
  return [
    ["jailed Python", [...(await engineLines("jail")), ...packageLines("jail")]],
    ["Pyodide", [...(await engineLines("pyodide")), ...packageLines("pyodide")]],
    ["QuickJS", await engineLines("quickjs")],
  ];
}
