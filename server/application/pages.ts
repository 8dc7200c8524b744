import { readFile } from "node:fs/promises";

/** The pages of the notebook application, by the first part of their address. */
export type Page = "tree" | "notebooks" | "edit" | "consoles" | "terminals";

/** The versions that the bundled application shows in its About box and that other clients ask for. */
const applicationVersion = "7.6.2";

/** What differs from page to page and from server to server. */
export interface PageOptions {
  /** Address under which the application is mounted, with slashes at both ends. */
  baseUrl: string;
  /** The folder or file that the page shows. */
  path: string;
  /** Whether the page may offer terminals. */
  terminals: boolean;
  /** What the page's policy knows the scripts of trusted outputs by. */
  nonce: string;
}

/** Options that the application reads from its page (JupyterLab's PageConfig: every value is text). */
function pageConfig(page: Page, options: PageOptions): Record<string, string> {
  const { baseUrl, path, terminals } = options;
  return {
    appName: "CIR Lab",
    appUrl: "/lab",
    appVersion: applicationVersion,
    notebookVersion: JSON.stringify(applicationVersion.split(".").map(Number)),
    baseUrl,
    wsUrl: "",
    // The page works under its cookie: no secret stands in it, nor in the addresses of its websockets.
    token: "",
    frontendUrl: baseUrl,
    fullStaticUrl: `${baseUrl}static`,
    notebookPage: page,
    treePath: page === "tree" ? path : "",
    preferredPath: "/",
    settingsUrl: "lab/api/settings",
    themesUrl: "lab/api/themes",
    translationsApiUrl: "lab/api/translations",
    workspacesApiUrl: "lab/api/workspaces",
    terminalsAvailable: String(terminals),
    federated_extensions: "[]",
  };
}

/** JSON that cannot end the script element that it stands in. */
const asScriptJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Fills in the built template. */
export async function renderPage(templateFile: string, page: Page, options: PageOptions): Promise<string> {
  const template = await readFile(templateFile, "utf8");
  const values: Record<string, string> = {
    page,
    static: `${options.baseUrl}static`,
    nonce: options.nonce,
    config: asScriptJson(pageConfig(page, options)),
  };
  return template.replace(
    /\{\{(page|static|nonce)\}\}|"\{\{(config)\}\}"/g,
    (_, text?: string, json?: string) => values[text ?? json!]!,
  );
}

/** What a checkout shows whose web notebook was never built. */
export const notBuiltPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>CIR Lab</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 12vh auto; padding: 0 1rem; color-scheme: light dark; }</style>
<h1>The web notebook is not built</h1>
<p>Run <code>npm run build</code> in the project's folder, then reload this page. The server's API works meanwhile.</p>
</html>
`;
