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
import { EventBus } from "./api/events/bus.ts";
import { tellContents } from "./api/events/contents.ts";
import { tellKernels } from "./api/events/kernels.ts";
import { filesRouter } from "./api/files.ts";
import { identityRouter } from "./api/identity.ts";
import { connectChannels } from "./api/kernels/channels.ts";
import { type CullOptions, cullIdleKernels } from "./api/kernels/culling.ts";
import { KernelManager } from "./api/kernels/manager.ts";
import { kernelsRouter } from "./api/kernels/router.ts";
import { kernelspecFilesRouter, kernelspecsRouter } from "./api/kernelspecs.ts";
import { languageServerStatus } from "./api/language-servers.ts";
import { formatsRouter, nbconvertRouter } from "./api/nbconvert/router.ts";
import { resolvePathHandler } from "./api/resolve-path.ts";
import { SessionManager, sessionsRouter } from "./api/sessions.ts";
import { type SocketRoute, serveSockets } from "./api/sockets.ts";
import { sendSpec } from "./api/spec/document.ts";
import { statusRouter } from "./api/status.ts";
import { TerminalManager } from "./api/terminals/manager.ts";
import { loadPty } from "./api/terminals/pty.ts";
import { terminalsRouter } from "./api/terminals/router.ts";
import { applicationRouter } from "./application/router.ts";
import { Authentication } from "./auth/authentication.ts";
import { loginRouter } from "./auth/login.ts";
import { KnownHosts } from "./auth/origin.ts";
import { PasswordFile } from "./auth/password.ts";
import { RateLimit } from "./auth/rate-limit.ts";
import { SessionCookies } from "./auth/sessions.ts";
import { KernelDocument } from "./documents/document.ts";
import { Keeper } from "./documents/keeper.ts";
import { KernelRegistry } from "./documents/registry.ts";
import { takeUp } from "./documents/takeUp.ts";
import { changeEvent, FileWatcher } from "./documents/watcher.ts";
import { locateUnder, parseBaseUrl } from "./door/base-url.ts";
import { Door, urlHost } from "./door/door.ts";
import { defaultLimits, type Limits } from "./door/limits.ts";
import type { TlsPair } from "./door/tls.ts";
import { LiveChannel, livePath } from "./live/channel.ts";
import { pairingRouter } from "./pairing/router.ts";
import { runsRouter } from "./runs/router.ts";

export interface ServerOptions {
  /** The folder that is served. */
  root: string;
  /** Who knows it may do everything. Random by default. The password of the user folder opens the server, too. */
  token?: string;
  /** 0 takes any free port. Default 0. */
  port?: number;
  /** Address to listen on. Default 127.0.0.1: reachable from this machine only. */
  host?: string;
  /** Path under which a proxy in front shows the server, for example `/user/x/`. Default `/`. */
  baseUrl?: string;
  /** Serves https and wss with this certificate. */
  tls?: TlsPair;
  /** Names, beside its own, under which the server may be asked for; `.example.org` stands for all below it. */
  allowedHosts?: readonly string[];
  /** One proxy stands in front: its X-Forwarded-For, -Proto and -Host are believed. Default false. */
  trustProxy?: boolean;
  /** Pages may load pictures, styles, scripts and data from other servers. Default false. */
  allowRemoteContent?: boolean;
  /** What differs from the limits in door/limits.ts. */
  limits?: Partial<Limits>;
  /** Variables that kernels get beside the server's own. */
  kernelEnv?: NodeJS.ProcessEnv;
  /** Where settings, layouts, configuration, trust and the password are kept. Default `~/.cirlab`. */
  userFolder?: string;
  /**
   * Keep one kernel started, so that the next notebook has its kernel at once. It holds about 200 MB; none is kept while
   * less than 1 GB of memory is free. Default false; `cirlab start` sets it.
   */
  spareKernel?: boolean;
  /**
   * A server that is closed lets its kernels go on; the next one of the same folder and user takes them up, as after a
   * crash. Default false: they end with the server.
   */
  keepKernels?: boolean;
  /** Whether pages may open a shell in a terminal. Default true, where the platform has terminals. */
  terminals?: boolean;
  /** Kernelspec of documents that name none. Default `cirlab`. */
  defaultKernel?: string;
  /** End idle kernels. Off by default. */
  cull?: CullOptions;
}

export interface RunningServer {
  /** Address of the server without slash at its end, for example `http://127.0.0.1:8888`. */
  url: string;
  port: number;
  token: string;
  /** What a session needs to publish on the live channel; the server's kernels have it in `CIRLAB_LIVE_TOKEN`. */
  publisherToken: string;
  /** Ends all kernels and connections. */
  close(): Promise<void>;
  /** Settles when the server has ended: by `close`, or because a client asked for it (POST /api/shutdown). */
  closed: Promise<void>;
}

/**
 * Starts the notebook server: pages, Jupyter's REST API and websockets, the live channel.
 *
 * @throws when the folder does not exist or the port cannot be had (`EADDRINUSE`).
 */
export async function createServer(options: ServerOptions): Promise<RunningServer> {
  const host = options.host ?? "127.0.0.1";
  const userFolder = options.userFolder ?? join(homedir(), ".cirlab");
  const baseUrl = parseBaseUrl(options.baseUrl ?? "/");
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const remote = { allowed: options.allowRemoteContent ?? false };
  const root = await RootFolder.open(options.root);
  const authentication = new Authentication({
    token: options.token,
    password: new PasswordFile(userFolder),
    sessions: await SessionCookies.open(userFolder),
    hosts: new KnownHosts(host, options.allowedHosts),
    baseUrl,
    remote,
  });
  const door = new Door({
    baseUrl,
    tls: options.tls,
    trustProxy: options.trustProxy ?? false,
    limits,
    isKnownHost: (request) => authentication.isKnownHost(request),
    innerPath: livePath,
  });

  const checkpoints = new Checkpoints();
  const uploads = new Uploads();
  const store = new ContentsStore(root, checkpoints, new NotebookTrust(userFolder));
  const keeper = new Keeper(store);
  const kernels: KernelManager = new KernelManager(
    root,
    () => ({
      ...options.kernelEnv,
      CIRLAB_LIVE_URL: door.innerUrl(host),
      CIRLAB_LIVE_TOKEN: live.publisherToken,
    }),
    (kernel) => new KernelDocument(kernel, keeper, sessions, () => registry.touch()),
  );
  const sessions: SessionManager = new SessionManager(kernels);
  const terminals = new TerminalManager(root, options.terminals === false ? undefined : await loadPty());
  const events = new EventBus();
  if (options.defaultKernel !== undefined) kernels.defaultName = options.defaultKernel;
  kernels.onAction = tellKernels(events);
  kernels.keepsForeign = options.keepKernels === true;
  const registry = new KernelRegistry(join(userFolder, "kernels"), root.path, () => ({
    kernels: kernels.records,
    sessions: sessions.records,
    runs: keeper.records,
  }));
  store.onRename((from, to) => sessions.follow(from, to));
  sessions.onChange = keeper.onChange = () => registry.touch();
  const watcher = new FileWatcher((path, last_modified) => events.emit(changeEvent, { path, last_modified }));
  store.onOpen((path, real, lastModified) => watcher.watch(path, real, lastModified));

  /** More than any person opens, and fewer than would bring the machine down. */
  const starts = new RateLimit(300);
  const runs = runsRouter(root);

  const app = express();
  app.disable("x-powered-by");
  // Nothing that the API says is kept by anyone; files have theirs from their times.
  app.disable("etag");
  app.use(locateUnder(baseUrl));
  app.use(authentication.guard);
  app.use(loginRouter(authentication, { baseUrl, bodyTimeoutMs: limits.loginTimeoutMs }));
  for (const path of ["/api/kernels", "/api/sessions"]) app.post(path, starts.guard("Too many kernels at once."));
  app.use(
    "/api",
    statusRouter(kernels, () => void close()),
  );
  app.get("/api/spec.yaml", sendSpec);
  app.use("/api/me", identityRouter(userFolder));
  app.get("/api/resolvePath", resolvePathHandler(root));
  app.get("/lsp/status", languageServerStatus);
  app.use("/api/contents", tellContents(events), contentsRouter(store, checkpoints, uploads));
  app.use("/api/pairing", pairingRouter(store));
  app.use("/api/kernels", kernelsRouter(kernels));
  app.use("/api/kernelspecs", kernelspecsRouter(kernels.defaultName, baseUrl));
  app.use("/api/sessions", sessionsRouter(sessions));
  app.use("/api/terminals", terminalsRouter(terminals));
  app.use("/api/config", configRouter(userFolder));
  app.use("/api/events", events.router());
  app.use("/api/nbconvert", formatsRouter());
  app.use("/api/runs", runs.router);
  app.use("/api", notFound);
  app.use("/nbconvert", new RateLimit(120).guard("Too many exports at once."), nbconvertRouter(store));
  app.use("/files", filesRouter(root));
  app.use("/kernelspecs", kernelspecFilesRouter());
  app.use(
    applicationRouter({
      root,
      baseUrl,
      remote,
      settingsFolder: join(userFolder, "settings"),
      workspacesFolder: join(userFolder, "workspaces"),
      terminals: terminals.isAvailable,
    }),
  );
  app.use(notFound);
  app.use(jsonErrors);

  // Nobody is answered before the kernels of a server that was killed are taken up: a page that is told that its kernel is
  // not there gives it up.
  let serve: () => void = () => undefined;
  const serving = new Promise<void>((resolve) => {
    serve = resolve;
  });
  const server = door.inside;
  server.on("request", (request, response) => void serving.then(() => app(request, response)));
  const live = new LiveChannel(server, authentication, root);
  const routes: SocketRoute[] = [
    {
      path: /^\/api\/kernels\/([^/]+)\/channels$/,
      open([, id], query) {
        const kernel = kernels.find(decodeURIComponent(id!));
        return kernel && ((socket) => connectChannels(kernel, socket, query.get("session_id") ?? undefined));
      },
    },
    {
      path: /^\/terminals\/websocket\/([\w.-]+)$/,
      maxMessageBytes: 16 * 1024 * 1024,
      open([, name]) {
        const terminal = terminals.find(name!);
        return terminal && ((socket) => terminal.connect(socket));
      },
    },
    { path: /^\/api\/events\/subscribe$/, maxMessageBytes: 65_536, open: () => (socket) => events.subscribe(socket) },
  ];
  const sockets = serveSockets(server, authentication, routes, {
    isElsewhere: (path) => path.startsWith(livePath),
    max: limits.websockets,
  });

  await door.listen(options.port ?? 0, host);
  authentication.cookieName = `cirlab-session-${door.port}`;
  await takeUp(registry, { kernels, sessions, keeper });
  serve();
  if (options.spareKernel) kernels.keepSpare();
  const stopCulling = options.cull && cullIdleKernels(kernels, options.cull);

  let ended: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const end = async (): Promise<void> => {
    stopCulling?.();
    // Requests are answered until the kernels have ended: clients learn what became of theirs.
    if (options.keepKernels) await registry.close(true);
    await Promise.all([kernels.close(options.keepKernels), terminals.close()]);
    await keeper.close();
    await registry.close(false);
    watcher.close();
    await uploads.close();
    await runs.close();
    sockets.close();
    door.close();
    await live.close();
    ended();
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= end());
  return {
    url: `${options.tls ? "https" : "http"}://${urlHost(host)}:${door.port}${baseUrl.slice(0, -1)}`,
    port: door.port,
    token: authentication.token,
    publisherToken: live.publisherToken,
    close,
    closed,
  };
}
