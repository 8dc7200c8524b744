import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { clientOf } from "./client.ts";

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

/**
 * The names under which the server may be asked for. A site whose name was made to lead here (DNS rebinding) asks under
 * that name, and so is told apart.
 */
export class KnownHosts {
  readonly #names = new Set<string>();
  readonly #suffixes: string[] = [];
  readonly #isOpen: boolean;

  /**
   * @param bound the address that the server listens on. Unless only this machine reaches it, its addresses and names
   *   are known too.
   * @param allowed further names; one that begins with a dot stands for all below it.
   */
  constructor(bound: string, allowed: readonly string[] = []) {
    this.#isOpen = !isLoopback(bound);
    if (this.#isOpen) {
      const own = hostname().toLowerCase();
      for (const name of [own, own.split(".")[0]!, `${own.split(".")[0]}.local`, bound.toLowerCase()])
        this.#names.add(name);
    }
    for (const name of allowed.map((each) => each.toLowerCase())) {
      if (name.startsWith(".")) this.#suffixes.push(name);
      else this.#names.add(name);
    }
  }

  /** @param host a `Host` header. */
  has(host: string | undefined): boolean {
    // What cannot stand in an address has no business in a header either.
    if (!host || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host)) return false;
    const name = hostName(host);
    // An address in numbers is no name that someone else could have pointed here; it may be that of a router in between.
    if (isLoopback(name) || (this.#isOpen && isIP(name) !== 0)) return true;
    return this.#names.has(name) || this.#suffixes.some((suffix) => name.endsWith(suffix));
  }
}

/** Whether the page that sent a request came from this server; true when the request names no origin. */
export function isSameOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  try {
    const { protocol, host: from } = new URL(origin);
    // Without TLS of our own a proxy may still have it, so only the other direction tells a stranger.
    if (clientOf(request).secure && protocol !== "https:") return false;
    return from === new URL(`${protocol}//${host}`).host;
  } catch {
    return false;
  }
}

/** An address of this machine that others on its network reach; for messages. */
export function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? hostname();
}
