// Makes dist/labextension: our renderers, the live panel and the run browser as a prebuilt extension of JupyterLab 4, which
// `cirlab install --labextension` copies. JupyterLab shares its own packages with it, so it is small and needs no build of
// JupyterLab's.
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

/** Packages of which the page's own copy is used. */
const sharedNames = [
  "@jupyterlab/application",
  "@jupyterlab/apputils",
  "@jupyterlab/mainmenu",
  "@jupyterlab/notebook",
  "@jupyterlab/ui-components",
  "@lumino/signaling",
  "@lumino/widgets",
];

/** Stands in for them in the bundle: what container.ts has taken from the page. */
const sharedPackages = {
  name: "shared-packages",
  setup(bundle) {
    bundle.onResolve({ filter: /^@(jupyterlab|lumino)\// }, ({ path }) =>
      sharedNames.includes(path) ? { path, namespace: "shared" } : { errors: [{ text: `${path} is not shared` }] },
    );
    bundle.onLoad({ filter: /.*/, namespace: "shared" }, ({ path }) => ({
      contents: `module.exports = globalThis[Symbol.for("cirlab.shared")][${JSON.stringify(path)}];`,
    }));
  },
};

/** JupyterLab keeps what it has loaded for long: another content has another name. */
const named = (name, text) => `${name}.${createHash("sha256").update(text).digest("hex").slice(0, 12)}.js`;

export async function bundleExtension() {
  const out = join(root, "dist", "labextension");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, "static"), { recursive: true });
  const write = (file, text) => writeFileSync(join(out, file), text);

  const parts = await bundle("parts.ts", {
    format: "esm",
    plugins: [sharedPackages],
    loader: { ".css": "text", ".svg": "text" },
  });
  const partsFile = named("parts", parts);
  write(join("static", partsFile), parts);
  const entry = await bundle("container.ts", {
    format: "iife",
    define: { partsFile: JSON.stringify(`./${partsFile}`), sharedNames: JSON.stringify(sharedNames) },
  });
  const entryFile = named("remoteEntry", entry);
  write(join("static", entryFile), entry);

  const { name, version, description, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const _build = { load: `static/${entryFile}`, extension: "./extension", mimeExtension: "./mimeExtension" };
  const jupyterlab = { _build };
  const json = (value) => `${JSON.stringify(value, null, 2)}\n`;
  write("package.json", json({ name, version, description, license, jupyterlab }));
  const uninstallInstructions = `Remove this folder (share/jupyter/labextensions/${name}).`;
  write("install.json", json({ packageManager: "npm", packageName: name, uninstallInstructions }));
}
