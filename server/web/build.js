// Bundles the web notebook into dist/web: index.html (a template that the server fills in), hashed assets, the themes'
// styles, and schemas.json (the settings that the plugins declare). Text files also get a .gz twin.
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { constants, createGzip } from "node:zlib";
import { build as bundleStyle } from "esbuild";
import { build } from "vite";
import { bundleExtension } from "./extension/build.js";

const web = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(web));
const out = join(root, "dist", "web");
const require = createRequire(import.meta.url);

/**
 * JupyterLab's modules import icons (.svg) and some styles (.raw.css) as text; its style sheets use the same icons by
 * address, which is vite's own business. The virtual name keeps vite from seeing a style sheet in a .raw.css file.
 */
const textModules = {
  name: "text-modules",
  enforce: "pre",
  async resolveId(source, importer) {
    if (!source.endsWith(".raw.css")) return null;
    const resolved = await this.resolve(source, importer, { skipSelf: true });
    return resolved && `\0text:${resolved.id}.js`;
  },
  load(id) {
    const file = id.startsWith("\0text:") ? id.slice(6, -3) : id.endsWith(".svg") ? id : undefined;
    return file && { code: `export default ${JSON.stringify(readFileSync(file, "utf8"))}`, moduleType: "js" };
  },
};

/** anywidget's front end is an AMD module that names its one dependency: its factory becomes the default export. */
const amdFactories = {
  name: "amd-factories",
  transform(code, id) {
    if (!id.endsWith("/anywidget/dist/index.js")) return null;
    const define = /\bdefine\(\["@jupyter-widgets\/base"\], (\w+)\);\s*$/;
    if (!define.test(code)) throw new Error(`${id} is no longer the AMD module that this build knows.`);
    return { code: code.replace(define, "export default $1;"), map: null };
  },
};

async function bundleApplication() {
  await build({
    root: web,
    configFile: false,
    envDir: false,
    // Warnings here are about the packages, not about us.
    logLevel: "error",
    plugins: [textModules, amdFactories],
    // Style sheets refer to packages as `~package/style.css`.
    resolve: { alias: [{ find: /^~(.*)$/, replacement: "$1" }] },
    // What some of the packages expect of Node.
    define: {
      "process.env.NODE_ENV": '"production"',
      "process.env": "{}",
      "process.cwd": '(() => "/")',
      global: "globalThis",
      __dirname: '"/"',
    },
    experimental: {
      // The server knows under which address it is reached, so the page names assets by a placeholder and everything
      // else by relative address.
      renderBuiltUrl: (file, { hostType }) => (hostType === "html" ? `{{static}}/${file}` : { relative: true }),
    },
    build: {
      outDir: out,
      emptyOutDir: true,
      target: "es2022",
      // lightningcss refuses some of the application's style sheets.
      cssMinify: "esbuild",
      rolldownOptions: {
        output: {
          // What nearly every page loads comes in a few files instead of a hundred.
          codeSplitting: {
            groups: [
              {
                name: "shared",
                test: /node_modules\/@?(?:jupyter|lumino|codemirror|lezer|react|microsoft|yjs|lib0)/,
                minShareCount: 6,
              },
            ],
          },
        },
      },
      chunkSizeWarningLimit: Number.POSITIVE_INFINITY,
      reportCompressedSize: false,
    },
  });
}

async function bundleThemes() {
  for (const name of ["@jupyterlab/theme-light-extension", "@jupyterlab/theme-dark-extension"])
    await bundleStyle({
      entryPoints: [join(dirname(require.resolve(`${name}/package.json`)), "style/theme.css")],
      outfile: join(out, "themes", name, "index.css"),
      bundle: true,
      minify: true,
      loader: { ".svg": "dataurl" },
      logLevel: "warning",
    });
}

/** The settings schemas of the bundled packages and of our own plugins (schema/): `{ [plugin id]: { schema, version } }`. */
function collectSchemas() {
  const source = readFileSync(join(web, "src/plugins.ts"), "utf8");
  const names = [...source.matchAll(/^ {2}"(@[^"]+)": \{/gm)].map((match) => match[1]);
  const schemas = {};
  for (const name of names.sort()) {
    const manifest = require.resolve(`${name}/package.json`);
    const folder = join(dirname(manifest), "schema");
    if (!existsSync(folder)) continue;
    const { version } = JSON.parse(readFileSync(manifest, "utf8"));
    for (const file of readdirSync(folder).sort())
      if (file.endsWith(".json"))
        schemas[`${name}:${file.slice(0, -5)}`] = {
          schema: JSON.parse(readFileSync(join(folder, file), "utf8")),
          version,
        };
  }
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const file of readdirSync(join(web, "schema")).sort())
    schemas[`cirlab:${file.slice(0, -5)}`] = {
      schema: JSON.parse(readFileSync(join(web, "schema", file), "utf8")),
      version,
    };
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "schemas.json"), JSON.stringify(schemas));
}

async function compress() {
  const assets = join(out, "assets");
  const texts = readdirSync(assets).filter((name) => /\.(?:js|css|svg|json)$/.test(name));
  const one = (name) =>
    pipeline(
      createReadStream(join(assets, name)),
      createGzip({ level: constants.Z_BEST_COMPRESSION }),
      createWriteStream(join(assets, `${name}.gz`)),
    );
  while (texts.length) await Promise.all(texts.splice(0, 16).map(one));
}

await bundleApplication();
await bundleThemes();
await bundleExtension();
collectSchemas();
await compress();
