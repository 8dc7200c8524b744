import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { z } from "zod";
import { InfrastructureError, InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { versions } from "../base/versions.ts";
import { argumentProblems, checkToolName, type JsonSchema, type Tool, ToolError } from "./tool.ts";

const common = {
  /** Wall time of starting the server and of each call. Milliseconds. */
  timeoutMs: z.number().positive().max(3_600_000).default(30_000),
  /** Put before each tool's name, for servers whose names would clash. */
  prefix: z.string().default(""),
};

const sourceSchema = z.union([
  z.strictObject({
    /** Program that speaks MCP on its standard streams. */
    command: z.string().min(1),
    args: z.array(z.string()).default([]),
    /** Beside what the protocol's SDK takes over from this process (PATH, HOME and their like). */
    env: z.record(z.string(), z.string()).optional(),
    cwd: z.string().optional(),
    ...common,
  }),
  z.strictObject({
    /** Address of a server with streamable HTTP. */
    url: z.union([z.url({ protocol: /^https?$/ }), z.instanceof(URL)]),
    headers: z.record(z.string(), z.string()).default({}),
    ...common,
  }),
]);

/** Where an MCP server is: a program to start, or an address. */
export type McpSource = z.input<typeof sourceSchema>;
type CheckedSource = z.output<typeof sourceSchema>;

/** A connected MCP server. */
export interface McpServer {
  /** As the server calls itself. */
  readonly name: string;
  /** For a tool box. */
  readonly tools: readonly Tool[];
  /** Ends the connection, and the server where it was started here. */
  close(): Promise<void>;
}

/** JSON-RPC's number for arguments that a server refuses. */
const invalidParams = -32602;

/**
 * Lists an MCP server's tools. A server that died is started or connected anew at the next call; the call that met its
 * death is a failure of infrastructure. What a tool itself calls an error is the policy's mistake, and its text is read.
 *
 * @example
 * const server = await mcpTools({ command: "npx", args: ["-y", "@modelcontextprotocol/server-everything"] });
 * const box = new ToolBox(server.tools);
 * await server.close();
 * @throws InvalidInputError for an impossible source.
 * @throws InfrastructureError where the server cannot be reached or does not answer.
 */
export async function mcpTools(source: McpSource): Promise<McpServer> {
  const link = new McpLink(parseInput(sourceSchema, source, "MCP source"));
  try {
    const { name, tools } = await link.list();
    return { name, tools, close: () => link.close() };
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** The connection to one server, made anew when it broke. */
class McpLink {
  readonly #source: CheckedSource;
  #client: Promise<Client> | undefined;
  #closed = false;
  #complaint = "";

  constructor(source: CheckedSource) {
    this.#source = source;
  }

  get #where(): string {
    return "url" in this.#source ? String(this.#source.url) : [this.#source.command, ...this.#source.args].join(" ");
  }

  async list(): Promise<{ name: string; tools: Tool[] }> {
    const client = await this.#connected();
    const found: Tool[] = [];
    let cursor: string | undefined;
    do {
      const page = await client
        .listTools(cursor === undefined ? {} : { cursor }, { timeout: this.#source.timeoutMs })
        .catch((error: unknown) => {
          throw this.#failure("did not list its tools", error);
        });
      for (const { name, description = "", inputSchema } of page.tools)
        found.push(this.#tool(name, description, inputSchema as JsonSchema));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return { name: client.getServerVersion()?.name ?? this.#where, tools: found };
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }

  #tool(name: string, description: string, { $schema: _, ...parameters }: JsonSchema): Tool {
    const shown = `${this.#source.prefix}${name}`;
    checkToolName(shown);
    const input = schemaOf(parameters);
    return {
      name: shown,
      description,
      parameters,
      timeoutMs: this.#source.timeoutMs,
      check(args) {
        const checked = input.safeParse(args);
        if (!checked.success)
          throw new ToolError(`Invalid arguments for ${shown}: ${argumentProblems(checked.error)}.`);
        // As it was written: the server fills in its own defaults.
        return args;
      },
      run: (args, { signal }) => this.#call(name, args as Record<string, unknown>, signal),
    };
  }

  async #call(name: string, args: Record<string, unknown>, signal: AbortSignal): Promise<string> {
    const client = await this.#connected();
    let answer: Awaited<ReturnType<Client["callTool"]>>;
    try {
      // The caller keeps the time; the SDK's own limit must not come first.
      answer = await client.callTool({ name, arguments: args }, undefined, {
        signal,
        timeout: this.#source.timeoutMs + 60_000,
      });
    } catch (error) {
      if (signal.aborted) throw error;
      if ((error as { code?: unknown }).code === invalidParams) throw new ToolError((error as Error).message);
      this.#client = undefined;
      client.close().catch(() => {});
      throw this.#failure(`failed in ${name}`, error);
    }
    const text = textOf(answer.content);
    if (answer.isError) throw new ToolError(text);
    return text;
  }

  #connected(): Promise<Client> {
    if (this.#closed) return Promise.reject(new InvalidInputError(`The MCP server ${this.#where} was closed.`));
    if (this.#client) return this.#client;
    const connecting = this.#connect();
    const forget = () => {
      if (this.#client === connecting) this.#client = undefined;
    };
    connecting.then((client) => {
      client.onclose = forget;
    }, forget);
    this.#client = connecting;
    return connecting;
  }

  async #connect(): Promise<Client> {
    // Loaded here, so that who uses no MCP server does not pay for it.
    const { Client: McpClient } = await import("@modelcontextprotocol/sdk/client/index.js");
    const client = new McpClient({ name: "cirlab", version: versions().cirlab! });
    try {
      await client.connect(await this.#transport(), { timeout: this.#source.timeoutMs });
      return client;
    } catch (error) {
      await client.close().catch(() => {});
      throw this.#failure("does not answer", error);
    }
  }

  async #transport(): Promise<Transport> {
    const source = this.#source;
    if ("url" in source) {
      const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
      const transport = new StreamableHTTPClientTransport(new URL(source.url), {
        requestInit: { headers: source.headers },
      });
      return transport as Transport;
    }
    const { StdioClientTransport, getDefaultEnvironment } = await import("@modelcontextprotocol/sdk/client/stdio.js");
    const { command, args, env, cwd } = source;
    const transport = new StdioClientTransport({
      command,
      args,
      env: { ...getDefaultEnvironment(), ...env },
      ...(cwd !== undefined && { cwd }),
      stderr: "pipe",
    });
    this.#complaint = "";
    transport.stderr?.on("data", (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString("utf8")).slice(-2000);
    });
    return transport;
  }

  #failure(what: string, cause: unknown): InfrastructureError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const said = this.#complaint.trim().split("\n").at(-1);
    return new InfrastructureError(
      `The MCP server ${this.#where} ${what}: ${reason}${said ? ` (${said})` : ""}.`,
      "Check that it runs and that the address or command is right.",
      cause,
    );
  }
}

/** The check that a JSON Schema asks for; one that cannot be read leaves the check to the server. */
function schemaOf(schema: JsonSchema): z.ZodType {
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch {
    return z.record(z.string(), z.unknown());
  }
}

/** An answer's parts as text; what is no text is named. */
function textOf(content: unknown): string {
  const parts = Array.isArray(content) ? (content as { type: string; [key: string]: unknown }[]) : [];
  return parts
    .map((part) => {
      if (part.type === "text") return String(part.text);
      const resource = part.resource as { text?: string; uri?: string } | undefined;
      if (resource) return resource.text ?? `[resource ${resource.uri ?? ""}]`;
      if (part.type === "resource_link") return `[${String(part.name ?? "resource")}: ${String(part.uri)}]`;
      return `[${part.type}${part.mimeType === undefined ? "" : ` ${String(part.mimeType)}`}]`;
    })
    .join("\n");
}
