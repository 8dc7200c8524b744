import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

const port = z.int().min(1).max(65535);

/** The content of a connection file. */
export const connectionSchema = z.object({
  transport: z.literal("tcp"),
  ip: z.string().min(1),
  shell_port: port,
  iopub_port: port,
  stdin_port: port,
  control_port: port,
  hb_port: port,
  key: z.string(),
  signature_scheme: z.string().default("hmac-sha256"),
  kernel_name: z.string().optional(),
});
export type ConnectionInfo = z.infer<typeof connectionSchema>;

export type SocketName = "shell" | "iopub" | "stdin" | "control" | "hb";

/** ZeroMQ address of one of a kernel's sockets. */
export function address(connection: ConnectionInfo, socket: SocketName): string {
  return `${connection.transport}://${connection.ip}:${connection[`${socket}_port`]}`;
}

function listen(ip: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, ip, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const at = server.address();
  if (!at || typeof at === "string") throw new Error("A TCP server without a port.");
  return at.port;
}

/** Five free ports (held together until all are known, so that they differ) and a random key. */
export async function createConnection(options: { ip?: string; kernelName?: string } = {}): Promise<ConnectionInfo> {
  const ip = options.ip ?? "127.0.0.1";
  const servers = await Promise.all(Array.from({ length: 5 }, () => listen(ip)));
  const ports = servers.map(portOf) as [number, number, number, number, number];
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  const [shell_port, iopub_port, stdin_port, control_port, hb_port] = ports;
  return {
    transport: "tcp",
    ip,
    shell_port,
    iopub_port,
    stdin_port,
    control_port,
    hb_port,
    key: randomUUID(),
    signature_scheme: "hmac-sha256",
    ...(options.kernelName ? { kernel_name: options.kernelName } : {}),
  };
}

/** Writes a connection file that only its owner can read (the key is a password). Returns its path. */
export async function writeConnectionFile(connection: ConnectionInfo, path?: string): Promise<string> {
  const file = path ?? join(tmpdir(), `kernel-${randomUUID()}.json`);
  await writeFile(file, JSON.stringify(connection, null, 2), { mode: 0o600 });
  return file;
}

/** Reads a connection file. @throws Error naming the file and what is wrong with it. */
export function readConnectionFile(path: string): ConnectionInfo {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`Cannot read the connection file ${path}: ${(error as Error).message}`);
  }
  const parsed = connectionSchema.safeParse(value);
  if (!parsed.success) throw new Error(`The connection file ${path} is not valid: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
