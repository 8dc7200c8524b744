import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerConnection } from "@jupyterlab/services";
import WebSocket from "ws";
import { createServer, type RunningServer, type ServerOptions } from "../../server/app.ts";

/** A real server on a folder of its own, and two ways to talk to it. */
export interface TestServer extends RunningServer {
  /** The served folder. */
  root: string;
  /** Registers what has to end before the server does: its clients, which would try to reconnect. */
  before(end: () => void): void;
  /** What the JupyterLab client needs to know of it. */
  settings: ServerConnection.ISettings;
  /** A request with the token; `body` is sent as JSON. */
  api(method: string, path: string, body?: unknown): Promise<Response>;
  /** A request without any credential but what `init` says. */
  raw(path: string, init?: RequestInit): Promise<Response>;
}

/** Starts a server that ends, with its folder, when the test does. */
export async function startServer(
  t: { after(end: () => Promise<void>): void },
  options: Partial<ServerOptions> = {},
): Promise<TestServer> {
  const box = await realpath(await mkdtemp(join(tmpdir(), "cirlab-server-")));
  const root = join(box, "root");
  await mkdir(root);
  const server = await createServer({ root, userFolder: join(box, "user"), ...options });
  const clients: (() => void)[] = [];
  t.after(async () => {
    for (const end of clients) end();
    await server.close();
    await rm(box, { recursive: true, force: true });
  });
  const raw = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(server.url + path, { redirect: "manual", ...init });
  return {
    ...server,
    root,
    before: (end) => void clients.push(end),
    raw,
    settings: ServerConnection.makeSettings({
      baseUrl: `${server.url}/`,
      wsUrl: `${server.url.replace("http", "ws")}/`,
      token: server.token,
      appendToken: true,
      WebSocket: WebSocket as never,
      init: {},
    }),
    api: (method, path, body) =>
      raw(path, {
        method,
        headers: { Authorization: `token ${server.token}`, "Content-Type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

/** A minimal notebook with one code cell. */
export function notebook(source: string, outputs: unknown[] = [], metadata: object = {}): object {
  const cell = { cell_type: "code", execution_count: null, id: "c1", metadata, outputs, source };
  return { cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 };
}
