import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createServer, type RunningServer, type ServerOptions } from "../app.ts";
import { featureOptions, featuresOf, featureUsage } from "./features.ts";

const usage = `cirlab start [folder] [options]
  --port N      port to listen on (default: 8888, or the next free one)
  --host H      address to listen on (default: 127.0.0.1, this machine only)
  --token T     token that opens the server (default: random)
  --no-open     do not open a browser
${featureUsage}`;

const defaultPort = 8888;
const triedPorts = 50;

interface StartOptions {
  folder: string;
  port: number | undefined;
  host: string;
  token: string | undefined;
  open: boolean;
  features: Partial<ServerOptions>;
}

/** `cirlab start`: serves the web notebook until it is told to stop. Returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  if (argv.includes("--help") || argv.includes("-h")) {
    console.log(usage);
    return 0;
  }
  let options: StartOptions;
  try {
    options = parseOptions(argv);
  } catch (error) {
    console.error(`cirlab start: ${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  let server: RunningServer;
  try {
    server = await listen(options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "EADDRINUSE" ? `port ${options.port ?? defaultPort} is in use. Choose another with --port.` : message;
    console.error(`cirlab start: ${why}`);
    return 1;
  }
  const page = `${server.url}/tree?token=${encodeURIComponent(server.token)}`;
  console.log(`CIR Lab is running at ${page}`);
  console.log(`Serving ${options.folder}. Ctrl-C stops it and all kernels.`);
  if (options.open) openBrowser(page);
  // A page may also stop the server (POST /api/shutdown).
  const signal = await Promise.race([stopSignal(), server.closed]);
  console.log("Stopping.");
  await server.close();
  return signal === "SIGTERM" || signal === "SIGHUP" ? 143 : 0;
}

function parseOptions(argv: string[]): StartOptions {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      port: { type: "string" },
      host: { type: "string" },
      token: { type: "string" },
      "no-open": { type: "boolean" },
      ...featureOptions,
    },
  });
  if (positionals.length > 1) throw new Error(`one folder at most, not ${positionals.join(" and ")}.`);
  const folder = resolve(positionals[0] ?? defaultFolder());
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder.`);
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65535))
    throw new Error(`--port must be a whole number from 0 to 65535, not ${JSON.stringify(values.port)}.`);
  if (values.token !== undefined && !/^[\w.~-]{8,}$/.test(values.token))
    throw new Error("--token must be at least 8 letters, digits or any of - _ . ~");
  const host = values.host ?? "127.0.0.1";
  return { folder, port, host, token: values.token, open: !values["no-open"], features: featuresOf(values) };
}

/** The notebooks of this package when the command is given inside its own checkout, else the current folder. */
function defaultFolder(): string {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const root = join(here, import.meta.url.endsWith(".ts") ? "../.." : "../../..");
  const isInside = !relative(root, process.cwd()).startsWith("..");
  const notebooks = join(root, "notebooks");
  return isInside && existsSync(notebooks) ? notebooks : process.cwd();
}

async function listen({ folder, port, host, token, features }: StartOptions): Promise<RunningServer> {
  const attempt = (at: number): Promise<RunningServer> =>
    createServer({ root: folder, port: at, host, ...features, ...(token === undefined ? {} : { token }) });
  if (port !== undefined) return attempt(port);
  for (let at = defaultPort; ; at++) {
    try {
      return await attempt(at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || at === defaultPort + triedPorts) throw error;
    }
  }
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, resolve);
  });
}

/** Opens the page in the user's browser; where there is none, the printed address is enough. */
function openBrowser(url: string): void {
  const [program, ...args] =
    process.platform === "darwin"
      ? ["open", url]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", "", url]
        : ["xdg-open", url];
  const browser = spawn(program!, args, { stdio: "ignore", detached: true });
  browser.on("error", () => undefined);
  browser.unref();
}
