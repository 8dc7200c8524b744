import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";

/** The Python that the jail runs. */
export const jailPython = "/usr/bin/python3";

/** What an engine is offered: pip requirements, and the packages whose versions count for results. */
export interface Pins {
  requirements: string[];
  /** Names a folder whose content these requirements make. */
  key: string;
}

const pure = ["sympy==1.14.0", "mpmath==1.3.0"];

/** Python 3.9 and 3.10 are no longer served by the newest releases. */
function numberPackages(minor: number): string[] {
  if (minor === 9) return ["numpy==2.0.2", "matplotlib==3.9.4"];
  if (minor === 10) return ["numpy==2.2.6", "matplotlib==3.10.8"];
  return ["numpy==2.3.5", "matplotlib==3.10.8"];
}

let minorOfJail: number | null | undefined;

/** 11 for Python 3.11; undefined where {@link jailPython} is missing or does not run. */
export function jailPythonMinor(): number | undefined {
  if (minorOfJail === undefined) {
    const asked = spawnSync(jailPython, ["-I", "-S", "-c", "import sys; print(sys.version_info[1])"], {
      encoding: "utf8",
      timeout: 10_000,
    });
    minorOfJail = asked.status === 0 ? Number(asked.stdout) : null;
  }
  return minorOfJail ?? undefined;
}

/** The pinned packages of an engine, the same sympy on both; undefined where the engine cannot exist here. */
export function pinsFor(engine: "jail" | "pyodide"): Pins | undefined {
  if (engine === "pyodide") return { requirements: pure, key: keyOf(pure) };
  const minor = jailPythonMinor();
  if (minor === undefined) return undefined;
  const requirements = [...pure, ...numberPackages(minor)];
  return { requirements, key: keyOf([...requirements, `3.${minor}`, process.arch]) };
}

const keyOf = (parts: readonly string[]): string =>
  createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 12);
