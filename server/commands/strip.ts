import { execFileSync } from "node:child_process";
import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeFileAtomic } from "../../src/base/files.ts";
import { stripOutputs } from "../pairing/strip.ts";

const usage = `Usage: cirlab strip [NOTEBOOK.ipynb ...]
       cirlab strip --install | --uninstall

Takes outputs and execution counts out of notebooks: of the files that are named, in place, or from standard input to
standard output. Cells with the tag "keep" (or nbstripout's "keep_output") keep theirs.
  --install    make it a filter of the git repository around the current folder: what is committed has no outputs,
               the files on disk keep theirs
  --uninstall  take the filter away again`;

/** The filter's name in git's configuration and in .gitattributes. */
const filter = "cirlab-strip";
const attribute = `*.ipynb filter=${filter}`;

/** `cirlab strip`: notebooks without outputs, as a command and as a filter of git. */
export async function main(argv: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        install: { type: "boolean", default: false },
        uninstall: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) console.log(usage);
    else if (values.install && values.uninstall) throw new Error("choose one of --install and --uninstall.");
    else if (values.install) await install();
    else if (values.uninstall) await uninstall();
    else if (positionals.length > 0) for (const file of positionals) await stripFile(file);
    else process.stdout.write(await filtered());
    return 0;
  } catch (error) {
    console.error(`cirlab strip: ${(error as Error).message}`);
    return 2;
  }
}

async function stripFile(file: string): Promise<void> {
  const text = await readFile(file, "utf8");
  const stripped = stripOutputs(text);
  if (stripped === undefined) throw new Error(`${file} is not a notebook (nbformat 4). It was left as it is.`);
  if (stripped !== text) await writeFileAtomic(file, stripped);
}

/** What is no notebook passes as it is: a filter must not keep a commit from being made. */
async function filtered(): Promise<string | Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const stripped = stripOutputs(bytes.toString("utf8"));
  if (stripped === undefined) console.error("cirlab strip: not a notebook (nbformat 4); passed on as it is.");
  return stripped ?? bytes;
}

async function install(): Promise<void> {
  const folder = repository();
  // Git runs it with sh, also on Windows.
  const quoted = [process.execPath, await realpath(process.argv[1]!)]
    .map((part) => `"${part.replaceAll("\\", "/")}"`)
    .join(" ");
  git("config", `filter.${filter}.clean`, `${quoted} strip`);
  git("config", `filter.${filter}.smudge`, "cat");
  // Where the filter cannot run, git refuses instead of committing outputs in silence.
  git("config", `filter.${filter}.required`, "true");
  const { file, lines } = await attributes(folder);
  if (!lines.includes(attribute)) await writeFileAtomic(file, `${[...lines, attribute].join("\n")}\n`);
  console.log(
    `Notebooks of ${folder} are committed without outputs. Commit .gitattributes, so that every clone knows;`,
  );
  console.log('each clone runs "cirlab strip --install" once.');
}

async function uninstall(): Promise<void> {
  const folder = repository();
  try {
    git("config", "--remove-section", `filter.${filter}`);
  } catch {
    // It was not installed.
  }
  const { file, lines } = await attributes(folder);
  if (lines.includes(attribute))
    await writeFileAtomic(
      file,
      lines
        .filter((line) => line !== attribute)
        .map((line) => `${line}\n`)
        .join(""),
    );
  console.log(`Notebooks of ${folder} are committed as they are.`);
}

async function attributes(folder: string): Promise<{ file: string; lines: string[] }> {
  const file = join(folder, ".gitattributes");
  const text = await readFile(file, "utf8").catch(() => "");
  return { file, lines: text.split("\n").filter((line, i, all) => line !== "" || i < all.length - 1) };
}

function repository(): string {
  try {
    return git("rev-parse", "--show-toplevel");
  } catch {
    throw new Error(`${process.cwd()} is in no git repository (or git is not installed).`);
  }
}

const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8", stdio: "pipe" }).trim();
