import { basename } from "node:path";
import express, { type Router } from "express";
import { type FoundKernelSpec, findKernelSpecs } from "../../kernel/specs/index.ts";
import { HttpError } from "./errors.ts";

/**
 * Jupyter's kernelspecs API: /api/kernelspecs.
 *
 * @param defaultName kernelspec of documents that name none.
 * @param baseUrl what addresses of resources begin with.
 */
export function kernelspecsRouter(defaultName: string, baseUrl: string): Router {
  const router = express.Router();
  router.get("/", async (_request, response) => {
    const specs = Object.values(await findKernelSpecs());
    response.json({
      default: defaultName,
      kernelspecs: Object.fromEntries(specs.map((spec) => [spec.name, describeSpec(spec, baseUrl)])),
    });
  });
  router.get("/:name", async (request, response) => {
    response.json(describeSpec(await find(request.params.name), baseUrl));
  });
  return router;
}

/** Logos and other files of kernelspecs: /kernelspecs/{name}/{file}. */
export function kernelspecFilesRouter(): Router {
  const router = express.Router();
  router.get("/:name/:file", async (request, response) => {
    const { name, file } = request.params;
    const path = Object.values((await find(name)).resources).find((each) => basename(each) === file);
    if (!path) throw new HttpError(404, `Kernel resource not found: ${name}/${file}`);
    response.setHeader("Content-Security-Policy", "frame-ancestors 'self'; sandbox");
    response.sendFile(path, { dotfiles: "allow", headers: { "Cache-Control": "private, max-age=86400" } });
  });
  return router;
}

async function find(name: string): Promise<FoundKernelSpec> {
  const spec = (await findKernelSpecs())[name.toLowerCase()];
  if (!spec) throw new HttpError(404, `Kernel spec not found: ${name}`);
  return spec;
}

function describeSpec({ name, spec, resources }: FoundKernelSpec, baseUrl: string): object {
  const urls = Object.entries(resources).map(([key, path]) => [
    key,
    `${baseUrl}kernelspecs/${encodeURIComponent(name)}/${encodeURIComponent(basename(path))}`,
  ]);
  return { name, spec, resources: Object.fromEntries(urls) };
}
