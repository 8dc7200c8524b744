import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Authentication } from "../auth/authentication.ts";
import { v1Protocol } from "./kernels/wire.ts";

/** A kernel message may carry large buffers (images, arrays); nothing legitimate is larger. */
const maxMessageBytes = 256 * 1024 * 1024;
const pingMs = 30_000;

/** Opens one kind of websocket; undefined when its path names nothing that exists (404). */
export type SocketRoute = {
  path: RegExp;
  /** @param match groups of `path`. */
  open(match: RegExpExecArray, query: URLSearchParams): ((socket: WebSocket) => void) | undefined;
};

/** Serves the websockets of the API on the HTTP server. `isElsewhere` tells upgrades that others on it handle. */
export function serveSockets(
  server: Server,
  authentication: Authentication,
  routes: readonly SocketRoute[],
  isElsewhere: (path: string) => boolean,
): { close(): void } {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    handleProtocols: (offered) => (offered.has(v1Protocol) ? v1Protocol : false),
  });
  server.on("upgrade", (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (isElsewhere(url.pathname)) return;
    connection.on("error", () => connection.destroy());
    if (!authentication.mayUpgrade(request)) return refuse(connection, "403 Forbidden");
    for (const { path, open } of routes) {
      const match = path.exec(url.pathname);
      const accept = match && open(match, url.searchParams);
      if (accept) return sockets.handleUpgrade(request, connection, head, accept);
    }
    refuse(connection, "404 Not Found");
  });
  return {
    close() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
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

function refuse(connection: Duplex, status: string): void {
  connection.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
