import type { RequestHandler } from "express";

/** GET /lsp/status: this server runs no language servers; the kernel itself completes and explains. */
export const languageServerStatus: RequestHandler = (_request, response) => {
  response.json({ version: 2, sessions: {}, specs: {} });
};
