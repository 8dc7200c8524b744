// Makes dist/labextension: our renderers as a prebuilt extension of JupyterLab 4, which `cirlab install --labextension`
// copies. JupyterLab shares its own widgets with it, so it is a few dozen kilobytes and needs no build of JupyterLab's.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(dirname(here)));

async function bundle(entry, options) {
  const { outputFiles } = await build({
    entryPoints: [join(here, entry)],
    bundle: true,
    minify: true,
    write: false,
    target: "es2022",
    logLevel: "warning",
    ...options,
  });
  return outputFiles[0].text;
}

/** JupyterLab keeps what it has loaded for long: another content has another name. */
const named = (name, text) => `${name}.${createHash("sha256").update(text).digest("hex").slice(0, 12)}.js`;

export async function bundleExtension() {
  const out = join(root, "dist", "labextension");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, "static"), { recursive: true });
  const write = (file, text) => writeFileSync(join(out, file), text);

  const viewer = await bundle("renderers.ts", {
    format: "esm",
    alias: { "@lumino/widgets": join(here, "lumino-widgets.ts") },
    loader: { ".css": "text" },
  });
  const viewerFile = named("viewer", viewer);
  write(join("static", viewerFile), viewer);
  const entry = await bundle("container.ts", {
    format: "iife",
    define: { viewerFile: JSON.stringify(`./${viewerFile}`) },
  });
  const entryFile = named("remoteEntry", entry);
  write(join("static", entryFile), entry);

  const { name, version, description, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const jupyterlab = { _build: { load: `static/${entryFile}`, mimeExtension: "./mimeExtension" } };
  const json = (value) => `${JSON.stringify(value, null, 2)}\n`;
  write("package.json", json({ name, version, description, license, jupyterlab }));
  const uninstallInstructions = `Remove this folder (share/jupyter/labextensions/${name}).`;
  write("install.json", json({ packageManager: "npm", packageName: name, uninstallInstructions }));
}
