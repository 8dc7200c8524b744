import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import express, { type RequestHandler, type Router } from "express";
import { parsePath, type RootFolder } from "../api/contents/paths.ts";
import { newNonce, pagePolicy, type RemoteContent } from "../auth/policy.ts";
import { notBuiltPage, type Page, renderPage } from "./pages.ts";
import { settingsRouter } from "./settings.ts";
import { staticRouter } from "./static-files.ts";
import { workspacesRouter } from "./workspaces.ts";

export interface ApplicationOptions {
  /** The folder of notebooks that the server shows. */
  root: RootFolder;
  /** Address under which the server is reached, with slashes at both ends. */
  baseUrl: string;
  /** What pages may load from other servers. */
  remote: RemoteContent;
  /** Where the user's settings are kept. */
  settingsFolder: string;
  /** Where layouts are kept. */
  workspacesFolder: string;
  /** Whether pages may offer terminals. Default false. */
  terminals?: boolean;
  /** The built application. Default: `dist/web` of this package. */
  webFolder?: string;
}

/** Built code runs in dist/server/application, so the bundle is two floors up; sources run one floor below dist. */
function builtWebFolder(): string {
  const beside = fileURLToPath(new URL("../../web", import.meta.url));
  return import.meta.url.endsWith(".ts") ? fileURLToPath(new URL("../../dist/web", import.meta.url)) : beside;
}

/**
 * The notebook application: its pages (`/`, `/tree`, `/notebooks`, `/edit`, `/consoles`, `/terminals`), its files (`/static`) and the
 * endpoints that serve only it (`/lab/api`: settings, workspaces, translations, themes). Who may ask is decided before.
 */
export function applicationRouter(options: ApplicationOptions): Router {
  const { root, baseUrl, remote } = options;
  const web = options.webFolder ?? builtWebFolder();
  const template = join(web, "index.html");

  const page =
    (name: Page): RequestHandler<{ path?: string[] }> =>
    async (request, response) => {
      // Anew at every visit: the page names the assets of the newest build.
      response.setHeader("Cache-Control", "no-cache");
      if (!existsSync(template)) return void response.status(503).type("html").send(notBuiltPage);
      const path = (request.params.path ?? []).join("/").replace(/\/+$/, "");
      const other = await otherPage(root, name, path);
      if (other) return response.redirect(302, `/${other}/${path.split("/").map(encodeURIComponent).join("/")}`);
      const nonce = newNonce();
      const policy = pagePolicy({ staticUrl: staticSource(request.get("host"), baseUrl), nonce, remote });
      response.setHeader("Content-Security-Policy", policy);
      response
        .type("html")
        .send(await renderPage(template, name, { baseUrl, path, nonce, terminals: options.terminals ?? false }));
    };

  const router = express.Router();
  router.get("/", (_, response) => response.redirect(302, "/tree"));
  for (const name of ["tree", "notebooks", "edit", "consoles", "terminals"] as const)
    router.get([`/${name}`, `/${name}/*path`], page(name));
  router.get("/favicon.ico", (_, response) => response.redirect(302, "/static/favicon.svg"));
  router.use("/static", staticRouter(web));

  const api = express.Router();
  api.use("/settings", settingsRouter({ schemasFile: join(web, "schemas.json"), folder: options.settingsFolder }));
  api.use("/workspaces", workspacesRouter({ folder: options.workspacesFolder }));
  const setHeaders = (response: ServerResponse): unknown => response.setHeader("Cache-Control", "no-cache");
  api.use("/themes", express.static(join(web, "themes"), { index: false, redirect: false, setHeaders }));
  // English is in the code; there are no language packs.
  const english = { en: { displayName: "English", nativeName: "English" } };
  api.get("/translations", (_, response) => response.json({ data: english, message: "" }));
  api.get("/translations/:locale", (_, response) => response.json({ data: {}, message: "" }));
  api.get("/listings", (_, response) => response.json({ blocked_extensions: [], allowed_extensions: [] }));
  router.use("/lab/api", api);
  return router;
}

/**
 * The page that a path belongs to when the address named another, as for Jupyter: a folder is listed, a notebook in the
 * list's address is opened, another file there is sent as it is.
 */
async function otherPage(root: RootFolder, name: Page, path: string): Promise<string | undefined> {
  if (!path || (name !== "tree" && name !== "notebooks")) return undefined;
  const found = await root
    .locate(parsePath(path))
    .then(stat)
    .catch(() => undefined);
  if (!found) return undefined;
  if (name === "notebooks") return found.isDirectory() ? "tree" : undefined;
  if (found.isDirectory()) return undefined;
  return path.endsWith(".ipynb") ? "notebooks" : "files";
}

/**
 * The build's files as a source of scripts in a policy: not all of this server, which also serves anyone's files. A
 * policy cannot name an IPv6 address.
 */
function staticSource(host: string | undefined, baseUrl: string): string {
  return host && /^[\w.-]+(?::\d+)?$/.test(host) ? `${host}${baseUrl}static/` : "'self'";
}
