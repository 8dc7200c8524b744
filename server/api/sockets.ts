import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Authentication } from "../auth/authentication.ts";
import { refuseUpgrade } from "../door/door.ts";
import { v1Protocol } from "./kernels/wire.ts";

/** A kernel message may carry large buffers (images, arrays); nothing legitimate is larger. */
const defaultMessageBytes = 256 * 1024 * 1024;
const pingMs = 30_000;

/** Opens one kind of websocket; undefined when its path names nothing that exists (404). */
export type SocketRoute = {
  path: RegExp;
  /** Largest message that may come in; a larger one closes the websocket with 1009. Default 256 MiB. */
  maxMessageBytes?: number;
  /** @param match groups of `path`. */
  open(match: RegExpExecArray, query: URLSearchParams): ((socket: WebSocket) => void) | undefined;
};

export interface SocketOptions {
  /** Whether others on the HTTP server handle the upgrade to a path. */
  isElsewhere(path: string): boolean;
  /** Websockets that may be open; further ones get 429. */
  max: number;
}

/** Serves the websockets of the API on the HTTP server. */
export function serveSockets(
  server: Server,
  authentication: Authentication,
  routes: readonly SocketRoute[],
  { isElsewhere, max }: SocketOptions,
): { close(): void } {
  /** One server for each limit of messages: that is where the limit is kept. */
  const servers = new Map<number, WebSocketServer>();
  const open = new Set<WebSocket>();
  const serverOf = (maxPayload: number): WebSocketServer => {
    let sockets = servers.get(maxPayload);
    if (!sockets) {
      const handleProtocols = (offered: Set<string>): string | false => (offered.has(v1Protocol) ? v1Protocol : false);
      sockets = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload, handleProtocols });
      servers.set(maxPayload, sockets);
    }
    return sockets;
  };
  const welcome = (socket: WebSocket, accept: (socket: WebSocket) => void): void => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    accept(socket);
  };
  server.on("upgrade", (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    // Cut by hand: not every address that a stranger sends is a URL, and an error here would end the server.
    const [path, query] = cut(request.url ?? "/");
    if (isElsewhere(path)) return;
    const refusal = authentication.upgradeRefusal(request);
    if (refusal) return refuseUpgrade(connection, refusal);
    if (open.size >= max) return refuseUpgrade(connection, 429, { "Retry-After": "10" });
    for (const { path: pattern, open: find, maxMessageBytes = defaultMessageBytes } of routes) {
      const match = pattern.exec(path);
      const accept = match && find(match, new URLSearchParams(query));
      if (!accept) continue;
      serverOf(maxMessageBytes).handleUpgrade(request, connection, head, (socket) => welcome(socket, accept));
      return;
    }
    refuseUpgrade(connection, 404);
  });
  return {
    close() {
      for (const socket of open) socket.terminate();
    },
  };
}

/** An address's path and query. */
function cut(url: string): [path: string, query: string] {
  const at = url.indexOf("?");
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}

/** Keeps a connection alive through proxies, and ends one whose other side is gone without a word. */
export function heartbeat(socket: WebSocket): void {
  let isAnswered = true;
  const timer = setInterval(() => {
    if (!isAnswered) return socket.terminate();
    isAnswered = false;
    socket.ping();
  }, pingMs);
  timer.unref();
  socket.on("pong", () => {
    isAnswered = true;
  });
  socket.on("close", () => clearInterval(timer));
  // A failing connection also closes; that is where it is dealt with.
  socket.on("error", () => socket.terminate());
}
