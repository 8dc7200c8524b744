import { createServer, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { TestContext } from "node:test";

export interface ProxyOptions {
  /** Port of the server behind. */
  port: number;
  /** What the proxy tells the server behind of the browser's request. */
  headers(request: IncomingMessage): Record<string, string>;
}

/** A reverse proxy as people put before a server: requests and websockets go on under the same path. */
export async function startProxy(
  t: TestContext,
  { port, headers }: ProxyOptions,
): Promise<{ url: string; port: number }> {
  const optionsOf = (request: IncomingMessage): RequestOptions => ({
    host: "127.0.0.1",
    port,
    method: request.method,
    path: request.url,
    headers: { ...request.headers, ...headers(request) },
  });
  const proxy = createServer((request, response) => {
    const onward = httpRequest(optionsOf(request), (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  proxy.on("upgrade", (request, client) => {
    const server = connect(port, "127.0.0.1", () => {
      const { headers: all } = optionsOf(request);
      const lines = Object.entries(all as Record<string, string>).map(([name, value]) => `${name}: ${value}\r\n`);
      server.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
      server.pipe(client).pipe(server);
    });
    for (const socket of [client, server]) socket.on("error", () => [client, server].map((each) => each.destroy()));
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  const { port: own } = proxy.address() as AddressInfo;
  return { url: `http://127.0.0.1:${own}`, port: own };
}
