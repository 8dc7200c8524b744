import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import express from "express";
import { configRouter } from "./api/config.ts";
import { Checkpoints } from "./api/contents/checkpoints.ts";
import { RootFolder } from "./api/contents/paths.ts";
import { contentsRouter } from "./api/contents/router.ts";
import { ContentsStore } from "./api/contents/store.ts";
import { NotebookTrust } from "./api/contents/trust.ts";
import { Uploads } from "./api/contents/uploads.ts";
import { jsonErrors, notFound } from "./api/errors.ts";
import { EventBus } from "./api/events.ts";
import { filesRouter } from "./api/files.ts";
import { connectChannels } from "./api/kernels/channels.ts";
import { KernelManager } from "./api/kernels/manager.ts";
import { kernelsRouter } from "./api/kernels/router.ts";
import { kernelspecFilesRouter, kernelspecsRouter } from "./api/kernelspecs.ts";
import { SessionManager, sessionsRouter } from "./api/sessions.ts";
import { type SocketRoute, serveSockets } from "./api/sockets.ts";
import { statusRouter } from "./api/status.ts";
import { applicationRouter } from "./application/router.ts";
import { Authentication } from "./auth/authentication.ts";
import { loginRouter } from "./auth/login.ts";
import { isLoopback } from "./auth/origin.ts";
import { randomSecret } from "./auth/secrets.ts";
import { LiveChannel, livePath } from "./live/channel.ts";

export interface ServerOptions {
  /** The folder that is served. */
  root: string;
  /** Who knows it may do everything. Random by default. */
  token?: string;
  /** 0 takes any free port. Default 0. */
  port?: number;
  /** Address to listen on. Default 127.0.0.1: reachable from this machine only. */
  host?: string;
  /** Variables that kernels get beside the server's own. */
  kernelEnv?: NodeJS.ProcessEnv;
  /** Where settings, layouts, configuration and trust are kept. Default `~/.cirlab`. */
  userFolder?: string;
  /**
   * Keep one kernel started, so that the next notebook has its kernel at once. It holds about 200 MB; none is kept while
   * less than 1 GB of memory is free. Default false; `cirlab start` sets it.
   */
  spareKernel?: boolean;
}

export interface RunningServer {
  /** Address of the server without path, for example `http://127.0.0.1:8888`. */
  url: string;
  port: number;
  token: string;
  /** What a session needs to publish on the live channel; the server's kernels have it in `CIRLAB_LIVE_TOKEN`. */
  publisherToken: string;
  /** Ends all kernels and connections. */
  close(): Promise<void>;
}

/**
 * Starts the notebook server: pages, Jupyter's REST API and websockets, the live channel.
 *
 * @throws when the folder does not exist or the port cannot be had (`EADDRINUSE`).
 */
export async function createServer(options: ServerOptions): Promise<RunningServer> {
  const host = options.host ?? "127.0.0.1";
  const userFolder = options.userFolder ?? join(homedir(), ".cirlab");
  const root = await RootFolder.open(options.root);
  const authentication = new Authentication(options.token ?? randomSecret(), isLoopback(host));

  const checkpoints = new Checkpoints();
  const uploads = new Uploads();
  const store = new ContentsStore(root, checkpoints, new NotebookTrust(userFolder));
  const kernels = new KernelManager(root, () => ({
    ...options.kernelEnv,
    CIRLAB_LIVE_URL: `http://${isLoopback(host) ? urlHost(host) : "127.0.0.1"}:${port()}`,
    CIRLAB_LIVE_TOKEN: live.publisherToken,
  }));
  const sessions = new SessionManager(kernels);
  const events = new EventBus();

  const app = express();
  app.disable("x-powered-by");
  app.use(authentication.guard);
  app.use(loginRouter(authentication));
  app.use("/api", statusRouter(kernels));
  app.use("/api/contents", contentsRouter(store, checkpoints, uploads));
  app.use("/api/kernels", kernelsRouter(kernels));
  app.use("/api/kernelspecs", kernelspecsRouter());
  app.use("/api/sessions", sessionsRouter(sessions));
  app.use("/api/config", configRouter(userFolder));
  app.use("/api/events", events.router());
  app.use("/api", notFound);
  app.use("/files", filesRouter(root));
  app.use("/kernelspecs", kernelspecFilesRouter());
  app.use(
    applicationRouter({
      root: root.path,
      settingsFolder: join(userFolder, "settings"),
      workspacesFolder: join(userFolder, "workspaces"),
    }),
  );
  app.use(notFound);
  app.use(jsonErrors);

  const server = createHttpServer(app);
  const port = (): number => (server.address() as AddressInfo).port;
  const live = new LiveChannel(server, authentication);
  const routes: SocketRoute[] = [
    {
      path: /^\/api\/kernels\/([^/]+)\/channels$/,
      open([, id], query) {
        const kernel = kernels.find(decodeURIComponent(id!));
        return kernel && ((socket) => connectChannels(kernel, socket, query.get("session_id") ?? undefined));
      },
    },
    { path: /^\/api\/events\/subscribe$/, open: () => (socket) => events.subscribe(socket) },
  ];
  const sockets = serveSockets(server, authentication, routes, (path) => path.startsWith(livePath));

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  authentication.cookieName = `cirlab-session-${port()}`;
  if (options.spareKernel) kernels.keepSpare();

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    // Requests are answered until the kernels have ended: clients learn what became of theirs.
    await kernels.close();
    await uploads.close();
    sockets.close();
    server.closeAllConnections();
    await live.close();
  };
  return {
    url: `http://${urlHost(host)}:${port()}`,
    port: port(),
    token: authentication.token,
    publisherToken: live.publisherToken,
    close: () => (closing ??= close()),
  };
}

/** A host as it stands in a URL. */
function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
