import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createServer, type RunningServer, type ServerOptions } from "../app.ts";
import { isLoopback, ownAddress } from "../auth/origin.ts";
import { PasswordFile } from "../auth/password.ts";
import { parseBaseUrl } from "../door/base-url.ts";
import { readTlsPair } from "../door/tls.ts";
import { featureOptions, featuresOf, featureUsage } from "./features.ts";

const usage = `cirlab start [folder] [options]
  --port N      port to listen on (default: 8888, or the next free one)
  --host H      address to listen on (default: 127.0.0.1, this machine only)
  --token T     token that opens the server (default: random)
  --no-token    only the password opens it (set one first: cirlab password)
  --certfile F  serve https with this certificate (PEM)
  --keyfile F   the certificate's private key (PEM; default: in the certificate's file)
  --base-url U  path under which a proxy shows the server, for example /user/x/ (default: /)
  --allow-host H  another name under which the server may be asked for; .example.org means all below it. Repeatable
  --trust-proxy   one proxy stands in front: believe its X-Forwarded-For, -Proto and -Host
  --allow-remote  let pages load pictures, styles, scripts and data from other servers (default: from this one only)
  --no-open     do not open a browser
${featureUsage}

A password, set with "cirlab password", opens the server as the token does.`;

const defaultPort = 8888;
const triedPorts = 50;

interface StartOptions {
  port: number | undefined;
  open: boolean;
  /** Whether the token is printed: without it nobody knows the random one. */
  showToken: boolean;
  server: ServerOptions & { root: string; host: string };
}

/** `cirlab start`: serves the web notebook until it is told to stop. Returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  if (argv.includes("--help") || argv.includes("-h")) {
    console.log(usage);
    return 0;
  }
  let options: StartOptions;
  try {
    options = await parseOptions(argv);
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
  const page = `${server.url}/tree${options.showToken ? `?token=${encodeURIComponent(server.token)}` : ""}`;
  console.log(`CIR Lab is running at ${page}`);
  const kernels = options.server.keepKernels ? "; kernels go on, and the next start takes them up" : " and all kernels";
  console.log(`Serving ${options.server.root}. Ctrl-C stops it${kernels}.`);
  for (const line of openToNetwork(options.server, server)) console.warn(line);
  if (options.open) openBrowser(page);
  // A page may also stop the server (POST /api/shutdown).
  const signal = await Promise.race([stopSignal(), server.closed]);
  console.log("Stopping.");
  await server.close();
  return signal === "SIGTERM" || signal === "SIGHUP" ? 143 : 0;
}

async function parseOptions(argv: string[]): Promise<StartOptions> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      port: { type: "string" },
      host: { type: "string" },
      token: { type: "string" },
      "no-token": { type: "boolean" },
      certfile: { type: "string" },
      keyfile: { type: "string" },
      "base-url": { type: "string" },
      "allow-host": { type: "string", multiple: true },
      "trust-proxy": { type: "boolean" },
      "allow-remote": { type: "boolean" },
      "no-open": { type: "boolean" },
      ...featureOptions,
    },
  });
  if (positionals.length > 1) throw new Error(`one folder at most, not ${positionals.join(" and ")}.`);
  const root = resolve(positionals[0] ?? defaultFolder());
  if (!existsSync(root) || !statSync(root).isDirectory()) throw new Error(`${root} is not a folder.`);
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65535))
    throw new Error(`--port must be a whole number from 0 to 65535, not ${JSON.stringify(values.port)}.`);
  const { token, certfile, keyfile } = values;
  if (token !== undefined && !/^[\w.~-]{8,}$/.test(token))
    throw new Error("--token must be at least 8 letters, digits or any of - _ . ~");
  if (values["no-token"] && token !== undefined) throw new Error("--token and --no-token exclude each other.");
  const userFolder = join(homedir(), ".cirlab");
  if (values["no-token"] && !new PasswordFile(userFolder).isSet)
    throw new Error("--no-token needs a password, or nobody could get in. Set one with: cirlab password");
  if (keyfile !== undefined && certfile === undefined) throw new Error("--keyfile needs --certfile.");
  for (const name of values["allow-host"] ?? [])
    if (!/^[\w.-]+$/.test(name))
      throw new Error(`--allow-host must be a host name without port, not ${JSON.stringify(name)}.`);
  return {
    port,
    open: !values["no-open"],
    showToken: !values["no-token"],
    server: {
      root,
      host: values.host ?? "127.0.0.1",
      userFolder,
      baseUrl: parseBaseUrl(values["base-url"] ?? "/"),
      allowedHosts: values["allow-host"] ?? [],
      trustProxy: values["trust-proxy"] ?? false,
      allowRemoteContent: values["allow-remote"] ?? false,
      ...featuresOf(values),
      ...(certfile === undefined ? {} : { tls: await readTlsPair(certfile, keyfile) }),
      ...(token === undefined ? {} : { token }),
    },
  };
}

/** What a person should know whose server others can reach. */
function openToNetwork({ host, tls }: StartOptions["server"], { port }: RunningServer): string[] {
  if (isLoopback(host)) return [];
  const address = host === "0.0.0.0" || host === "::" ? ownAddress() : host;
  const open = `Others on the network reach this server at ${tls ? "https" : "http"}://${address}:${port}.`;
  if (tls) return [open];
  return [
    `Warning: ${open} The connection is not encrypted: whoever listens on the way`,
    "can read your notebooks and your token, and run code as you. Give --certfile and --keyfile, or leave out --host",
    `and come through SSH: ssh -L ${port}:localhost:${port} ${hostname()}`,
  ];
}

/** The notebooks of this package when the command is given inside its own checkout, else the current folder. */
function defaultFolder(): string {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const root = join(here, import.meta.url.endsWith(".ts") ? "../.." : "../../..");
  const isInside = !relative(root, process.cwd()).startsWith("..");
  const notebooks = join(root, "notebooks");
  return isInside && existsSync(notebooks) ? notebooks : process.cwd();
}

async function listen({ port, server }: StartOptions): Promise<RunningServer> {
  const attempt = (at: number): Promise<RunningServer> => createServer({ ...server, port: at });
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
