import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** The host name in a `Host` header, without port and brackets. */
export function hostName(host: string | undefined): string {
  if (!host) return "";
  const bracketed = /^\[([^\]]+)\]/.exec(host);
  return (bracketed?.[1] ?? host.replace(/:\d*$/, "")).toLowerCase();
}

/** Whether an address or name can only mean this machine. */
export function isLoopback(name: string): boolean {
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const family = isIP(name);
  return (family === 4 && name.startsWith("127.")) || (family === 6 && name === "::1");
}

/** Whether the page that sent a request came from this server; true when the request names no origin. */
export function isSameOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  try {
    return new URL(origin).host === new URL(`http://${host}`).host || new URL(origin).host === host;
  } catch {
    return false;
  }
}
