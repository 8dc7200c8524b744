import { compilerNames } from "../compiler/cellCompiler.ts";
import { checkModes } from "./compilation.ts";

/** How a magic is written and what it does. */
export interface MagicHelp {
  usage: string;
  help: string;
}

/** `%name args` on a line of its own. */
export const lineMagics: Readonly<Record<string, MagicHelp>> = {
  time: { usage: "%time statement", help: "runs the statement and tells its wall and CPU time" },
  pwd: { usage: "%pwd", help: "prints the working folder" },
  who: { usage: "%who [type]", help: "lists the notebook's names with type and value; with a type only such names" },
  load: { usage: "%load file.ts", help: "puts the file's text in place of the cell" },
  run: { usage: "%run file.ts [args]", help: "runs a file as a cell; its names stay; args become process.argv" },
  reset: { usage: "%reset", help: "forgets all names and types: a fresh session" },
  check: { usage: "%check [strict|warn|off]", help: "what a type error does: stop the cell, warn, nothing" },
  compiler: { usage: "%compiler [typescript|tslab]", help: "which compiler the notebook uses" },
  lsmagic: { usage: "%lsmagic", help: "lists the magics" },
  help: { usage: "%help", help: "the same" },
};

/** `%%name args` in a cell's first line: the rest of the cell is the magic's. */
export const cellMagics: Readonly<Record<string, MagicHelp>> = {
  time: { usage: "%%time", help: "runs the cell and tells its wall and CPU time" },
  python: {
    usage: "%%python [--session] [--timeout S] [--memory MIB] [--engine E]",
    help: "runs the cell as Python in the lab's sandboxed interpreter; --session: cells share variables",
  },
};

/** Words that a magic takes. */
export const choices = { check: checkModes, compiler: compilerNames } as const;

/** The help text of all magics, one a line. */
export function magicsText(isShellEnabled: boolean): string {
  const shell = {
    usage: "!command",
    help: isShellEnabled ? "runs a shell command" : "runs a shell command (not enabled: set CIRLAB_SHELL=1)",
  };
  const all = [...Object.values(lineMagics), ...Object.values(cellMagics), shell];
  const width = Math.max(...all.map(({ usage }) => usage.length));
  const lines = all.map(({ usage, help }) => `${usage.padEnd(width)}  ${help}`);
  return `${lines.join("\n")}\nEach may be written as a comment too (// %pwd), so that the notebook stays valid TypeScript as a script.\n`;
}
