/**
 * An MCP server for tests, made with the official SDK. `stdio`: on the standard streams. `http`: on a port that it prints
 * as its first line.
 */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { z } from "zod";

function makeServer(): McpServer {
  const server = new McpServer({ name: "test-server", version: "1.0.0" });
  let calls = 0;
  const text = (said: string) => ({ content: [{ type: "text" as const, text: said }] });
  server.registerTool(
    "add",
    { description: "Adds two numbers.", inputSchema: { a: z.number(), b: z.number() } },
    ({ a, b }) => text(String(a + b)),
  );
  server.registerTool("count", { description: "Counts its calls." }, () => text(String(++calls)));
  server.registerTool("refuse", { description: "Refuses." }, () => ({ ...text("not today"), isError: true }));
  server.registerTool("wait", { description: "Never answers." }, () => new Promise(() => {}));
  server.registerTool("picture", { description: "Shows." }, () => ({
    content: [
      { type: "text" as const, text: "see" },
      { type: "image" as const, data: "AA==", mimeType: "image/png" },
    ],
  }));
  server.registerTool("die", { description: "Ends the server." }, () => process.exit(3));
  return server;
}

if (process.argv[2] === "http") {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const http = createServer(async (request, response) => {
    const id = request.headers["mcp-session-id"];
    let transport = typeof id === "string" ? transports.get(id) : undefined;
    if (!transport) {
      const made = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (name) => {
          transports.set(name, made);
        },
      });
      await makeServer().connect(made as Transport);
      transport = made;
    }
    await transport.handleRequest(request, response);
  });
  http.listen(Number(process.argv[3] ?? 0), "127.0.0.1", () => {
    console.log((http.address() as { port: number }).port);
  });
} else await makeServer().connect(new StdioServerTransport());
