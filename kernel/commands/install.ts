import { parseArgs } from "node:util";
import { installKernelSpec, kernelName, prefixDataFolder, pythonPrefix, userDataFolder } from "../specs/index.ts";

const usage = `Usage: cirlab install [--user | --sys-prefix | --prefix FOLDER] [--name NAME] [--display-name TEXT]

Registers the kernel with Jupyter (JupyterLab, Notebook, VS Code, nbconvert, ...).
  --user            for this user (default)
  --sys-prefix      into the Python environment that is active, or that python3 belongs to
  --prefix FOLDER   into an installation under FOLDER (writes to FOLDER/share/jupyter)
  --name NAME       name of the kernel (default ${kernelName})
  --display-name T  what menus show (default "TypeScript (CIR Lab)")`;

/** `cirlab install`: writes the kernelspec into one of Jupyter's folders and says where. */
export async function main(argv: string[]): Promise<number> {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        user: { type: "boolean" },
        "sys-prefix": { type: "boolean" },
        prefix: { type: "string" },
        name: { type: "string" },
        "display-name": { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      console.log(usage);
      return 0;
    }
    if ([values.user, values["sys-prefix"], values.prefix].filter(Boolean).length > 1) {
      throw new Error("Choose one of --user, --sys-prefix and --prefix.");
    }
    const dataFolder = values.prefix
      ? prefixDataFolder(values.prefix)
      : values["sys-prefix"]
        ? prefixDataFolder(pythonPrefix())
        : userDataFolder();
    const folder = await installKernelSpec({
      dataFolder,
      ...(values.name ? { name: values.name } : {}),
      ...(values["display-name"] ? { displayName: values["display-name"] } : {}),
    });
    console.log(`Installed the kernel "${values.name ?? kernelName}" in ${folder}`);
    return 0;
  } catch (error) {
    console.error(`cirlab install: ${(error as Error).message}`);
    return 2;
  }
}
