import { parseArgs } from "node:util";
import {
  type CompilerName,
  compilerNames,
  installKernelSpec,
  kernelName,
  kernelNameFor,
  prefixDataFolder,
  pythonPrefix,
  userDataFolder,
} from "../specs/index.ts";
import { installLabExtension } from "../specs/labextension.ts";
import { installPapermill } from "../specs/papermill.ts";

const usage = `Usage: cirlab install [--user | --sys-prefix | --prefix FOLDER] [--name NAME] [--display-name TEXT]

Registers the kernel with Jupyter (JupyterLab, Notebook, VS Code, nbconvert, ...).
  --user            for this user (default)
  --sys-prefix      into the Python environment that is active, or that python3 belongs to
  --prefix FOLDER   into an installation under FOLDER (writes to FOLDER/share/jupyter)
  --name NAME       name of the kernel (default ${kernelName}, or ${kernelNameFor("tslab")} for that compiler)
  --display-name T  what menus show (default "TypeScript (CIR Lab)")
  --compiler NAME   what the kernel compiles cells with: ${compilerNames.join(" (default), ")}
  --labextension    also rollouts, live runs and the run browser in the windows of JupyterLab 4 and Notebook 7
  --papermill       also teach papermill to set parameters in TypeScript: a small package in the same Python (pip)

"jupyter kernelspec list" and "jupyter kernelspec remove" know the kernel afterwards.`;

const parse = (argv: string[]) =>
  parseArgs({
    args: argv,
    options: {
      user: { type: "boolean" },
      "sys-prefix": { type: "boolean" },
      prefix: { type: "string" },
      name: { type: "string" },
      "display-name": { type: "string" },
      compiler: { type: "string" },
      labextension: { type: "boolean" },
      papermill: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  }).values;

function compilerOf(name: string | undefined): CompilerName | undefined {
  const compiler = compilerNames.find((known) => known === name);
  if (name !== undefined && !compiler)
    throw new Error(`There is no compiler "${name}": choose ${compilerNames.join(" or ")}.`);
  return compiler;
}

/** `cirlab install`: writes the kernelspec into one of Jupyter's folders and says where. */
export async function main(argv: string[]): Promise<number> {
  try {
    const values = parse(argv);
    if (values.help) {
      console.log(usage);
      return 0;
    }
    if ([values.user, values["sys-prefix"], values.prefix].filter(Boolean).length > 1) {
      throw new Error("Choose one of --user, --sys-prefix and --prefix.");
    }
    const compiler = compilerOf(values.compiler);
    const prefix = values.prefix ?? (values["sys-prefix"] ? pythonPrefix() : undefined);
    const dataFolder = prefix === undefined ? userDataFolder() : prefixDataFolder(prefix);
    const folder = await installKernelSpec({
      dataFolder,
      ...(values.name ? { name: values.name } : {}),
      ...(values["display-name"] ? { displayName: values["display-name"] } : {}),
      ...(compiler ? { compiler } : {}),
    });
    console.log(`Installed the kernel "${values.name ?? kernelNameFor(compiler)}" in ${folder}`);
    if (values.labextension)
      console.log(`Installed the extension for JupyterLab in ${await installLabExtension(dataFolder)}`);
    if (values.papermill) console.log(`Installed papermill's translator in the Python ${installPapermill(prefix)}`);
    return 0;
  } catch (error) {
    console.error(`cirlab install: ${(error as Error).message}`);
    return 2;
  }
}
