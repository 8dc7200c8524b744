import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { noteClient } from "../auth/client.ts";
import { isLoopback } from "../auth/origin.ts";
import type { Limits } from "./limits.ts";
import { pathProblem } from "./paths.ts";
import type { TlsPair } from "./tls.ts";

export interface DoorOptions {
  /** Address under which the server is reached, with slashes at both ends. */
  baseUrl: string;
  tls: TlsPair | undefined;
  /** Whether a proxy in front is believed what it says of its clients. */
  trustProxy: boolean;
  limits: Limits;
  isKnownHost(request: IncomingMessage): boolean;
  /** Path at which the kernels of this machine are let in by a door of their own. */
  innerPath: string;
}

/** Why a request is turned away. */
interface Refusal {
  status: number;
  message: string;
}

const reasons: Record<number, string> = {
  302: "Found",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  413: "Content Too Large",
  414: "URI Too Long",
  429: "Too Many Requests",
};

/**
 * The connections of the server: TLS, limits, base URL, known hosts. What it lets through arrives at `inside`, a server
 * that never listens itself, with addresses as if there were no base URL; the application, the websockets and socket.io
 * stand there.
 */
export class Door {
  readonly inside: Server = createHttpServer();
  readonly #options: DoorOptions;
  readonly #outer: Server;
  /** For kernels where the outer address is not theirs: behind TLS, a base URL or another address than this machine's. */
  #inner: Server | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
    const { limits, tls } = options;
    const settings = {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(5000, limits.headersTimeoutMs),
    };
    this.#outer = tls ? createHttpsServer({ ...settings, ...tls, minVersion: "TLSv1.2" }) : createHttpServer(settings);
    this.#outer.maxConnections = limits.connections;
    this.#receive(this.#outer, (request) => this.#check(request));
  }

  async listen(port: number, host: string): Promise<void> {
    await listen(this.#outer, port, host);
    const { tls, baseUrl, innerPath } = this.#options;
    const isWildcard = host === "0.0.0.0" || host === "::";
    if (!tls && baseUrl === "/" && (isWildcard || isLoopback(host))) return;
    this.#inner = createHttpServer();
    this.#receive(this.#inner, (request) => {
      const isForKernels = request.url?.startsWith(innerPath) && this.#options.isKnownHost(request);
      return isForKernels ? undefined : { status: 403, message: "Only kernels come in here." };
    });
    await listen(this.#inner, 0, "127.0.0.1");
  }

  get port(): number {
    return portOf(this.#outer);
  }

  /** Where kernels of this machine reach `innerPath`. */
  innerUrl(host: string): string {
    if (this.#inner) return `http://127.0.0.1:${portOf(this.#inner)}`;
    return `http://${isLoopback(host) ? urlHost(host) : "127.0.0.1"}:${this.port}`;
  }

  /** Ends all connections. */
  close(): void {
    for (const server of [this.#outer, this.#inner]) {
      server?.close();
      server?.closeAllConnections();
    }
  }

  #receive(server: Server, check: (request: IncomingMessage) => Refusal | undefined): void {
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const refusal = check(request);
      if (refusal) refuseRequest(response, refusal, this.#options.baseUrl);
      else this.inside.emit("request", request, response);
    });
    server.on("upgrade", (request: IncomingMessage, connection: Duplex, head: Buffer) => {
      connection.on("error", () => connection.destroy());
      const refusal = check(request);
      if (refusal) refuseUpgrade(connection, refusal.status);
      else this.inside.emit("upgrade", request, connection, head);
    });
  }

  /** Looks at a request's head, and takes the base URL from its address. */
  #check(request: IncomingMessage): Refusal | undefined {
    const { baseUrl, limits, tls, trustProxy, isKnownHost } = this.#options;
    const url = request.url ?? "";
    noteClient(request, tls !== undefined, trustProxy);
    if (url.length > limits.urlBytes) return { status: 414, message: "The address is too long." };
    if (!isKnownHost(request)) {
      const host = String(request.headers.host ?? "").slice(0, 100);
      return {
        status: 403,
        message: `Host ${host} is not served here. Start the server with --allow-host if it is yours.`,
      };
    }
    const problem = pathProblem(url.split("?", 1)[0]!);
    if (problem) return problem;
    if (Number(request.headers["content-length"] ?? 0) > limits.bodyBytes)
      return { status: 413, message: "The request is too large." };
    if (baseUrl === "/") return undefined;
    if (url === "/" || url === baseUrl.slice(0, -1)) return { status: 302, message: "" };
    if (!url.startsWith(baseUrl)) return { status: 404, message: `This server is at ${baseUrl}` };
    request.url = url.slice(baseUrl.length - 1);
    return undefined;
  }
}

/** Ends a websocket's opening with an answer. */
export function refuseUpgrade(connection: Duplex, status: number, headers: Record<string, string> = {}): void {
  const lines = Object.entries({ Connection: "close", "Content-Length": "0", ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  // Whoever does not close the other half is not waited for.
  connection.end(`HTTP/1.1 ${status} ${reasons[status] ?? "Refused"}\r\n${head}\r\n`, () => connection.destroy());
}

/** A host as it stands in a URL. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function refuseRequest(response: ServerResponse, { status, message }: Refusal, baseUrl: string): void {
  if (status === 302) {
    response.writeHead(302, { Location: baseUrl }).end();
    return;
  }
  response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    // What else was sent is not read.
    Connection: "close",
  });
  response.end(JSON.stringify({ message, reason: null }));
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
