import { basename } from "node:path";
import express, { type Response, type Router } from "express";
import { exportPolicy } from "../../auth/policy.ts";
import { jsonBody, megabyte } from "../bodies.ts";
import { type Notebook, notebookProblem, parseNotebook, serializeNotebook } from "../contents/notebooks.ts";
import { parsePath } from "../contents/paths.ts";
import type { ContentsStore } from "../contents/store.ts";
import { HttpError } from "../errors.ts";
import { isTrusted } from "./cells.ts";
import { type Converted, convertOutside, externalFormats, findNbconvert } from "./external.ts";
import type { HtmlOptions } from "./html.ts";
import { pictureReader } from "./images.ts";
import { toMarkdown } from "./markdown-file.ts";
import { toScript } from "./script.ts";

/** What is made without any other program; the media type of a script is that of its language. */
const ownFormats: Readonly<Record<string, string>> = {
  html: "text/html",
  markdown: "text/markdown",
  script: "text/plain",
  notebook: "application/x-ipynb+json",
};

/** GET /api/nbconvert: the formats that can be had now. */
export function formatsRouter(): Router {
  const router = express.Router();
  router.get("/", (_request, response) => {
    const formats = { ...ownFormats, ...(findNbconvert() ? externalFormats : {}) };
    response.json(Object.fromEntries(Object.entries(formats).map(([name, type]) => [name, { output_mimetype: type }])));
  });
  return router;
}

/** GET /nbconvert/{format}/{path} and POST /nbconvert/{format}: notebooks in other formats. */
export function nbconvertRouter(store: ContentsStore): Router {
  const router = express.Router();
  router.use(jsonBody(256 * megabyte));

  router.get("/:format/*path", async (request, response) => {
    const { format } = request.params;
    checkFormat(format);
    const path = parsePath(request.params.path);
    const model = await store.read(path);
    if (model.type !== "notebook") throw new HttpError(400, `${path} is not a notebook`);
    const notebook = model.content as Notebook;
    const trusted = isTrusted(notebook) && !isTrue(request.query.sanitize_html);
    const title = basename(path, ".ipynb");
    const converted = await convert(notebook, format, { title, trusted, embed: pictureReader(store.root, path) });
    response.setHeader("Last-Modified", new Date(model.last_modified).toUTCString());
    if (isTrue(request.query.download)) response.attachment(title + converted.extension);
    send(response, converted);
  });

  router.post("/:format", async (request, response) => {
    const { format } = request.params;
    checkFormat(format);
    const { name, content } = (request.body ?? {}) as { name?: unknown; content?: unknown };
    const problem = notebookProblem(content);
    if (problem) throw new HttpError(400, `The notebook is not valid: ${problem}`);
    const title = typeof name === "string" ? basename(name, ".ipynb") : "notebook";
    // Where it came from nobody knows; and it has no folder whose pictures could be meant.
    const options = { title, trusted: false, embed: () => Promise.resolve(undefined) };
    send(response, await convert(parseNotebook(JSON.stringify(content), title), format, options));
  });
  return router;
}

function checkFormat(format: string): void {
  if (!Object.hasOwn(ownFormats, format) && !Object.hasOwn(externalFormats, format))
    throw new HttpError(404, `No exporter for format: ${format}`);
}

async function convert(notebook: Notebook, format: string, options: HtmlOptions): Promise<Converted> {
  const made = (text: string, extension: string, mimetype = ownFormats[format]!): Converted => ({
    ...{ bytes: Buffer.from(text), extension, mimetype },
  });
  switch (format) {
    case "html": {
      // Loaded when it is first wanted: formulas and highlighting would make every start of the server slower.
      const { toHtml } = await import("./html.ts");
      return made(await toHtml(notebook, options), ".html");
    }
    case "markdown":
      return made(toMarkdown(notebook), ".md");
    case "script": {
      const { text, extension, mimetype } = toScript(notebook);
      return made(text, extension, mimetype);
    }
    case "notebook":
      return made(serializeNotebook(notebook), ".ipynb");
    default:
      return convertOutside(notebook, format, options.title);
  }
}

function send(response: Response, { bytes, mimetype }: Converted): void {
  // A page made of a notebook runs as a stranger and runs no script.
  response.setHeader("Content-Security-Policy", exportPolicy);
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("Content-Type", mimetype.startsWith("text/") ? `${mimetype}; charset=utf-8` : mimetype);
  response.end(bytes);
}

const isTrue = (query: unknown): boolean => String(query ?? "").toLowerCase() === "true";
