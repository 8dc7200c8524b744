import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";

/** Who sent a request, and how. */
export interface Client {
  /** Its address. */
  address: string;
  /** Whether it came through TLS, here or at a trusted proxy. */
  secure: boolean;
}

const clients = new WeakMap<IncomingMessage, Client>();

/** The last value of a list in a header: the one that the nearest proxy wrote. */
const lastOf = (header: string | string[] | undefined): string | undefined =>
  String(header ?? "")
    .split(",")
    .at(-1)!
    .trim() || undefined;

/**
 * Notes who sent a request. With a trusted proxy in front, what it says in X-Forwarded-For, -Proto and -Host counts, and
 * the request's `Host` becomes the one that the browser asked for.
 */
export function noteClient(request: IncomingMessage, secure: boolean, trustProxy: boolean): void {
  const { headers, socket } = request;
  const client: Client = { address: socket.remoteAddress ?? "", secure };
  if (trustProxy) {
    client.address = lastOf(headers["x-forwarded-for"]) ?? client.address;
    const protocol = lastOf(headers["x-forwarded-proto"]);
    if (protocol !== undefined) client.secure = protocol === "https" || protocol === "wss";
    const host = lastOf(headers["x-forwarded-host"]);
    if (host !== undefined) headers.host = host;
  }
  clients.set(request, client);
}

export function clientOf(request: IncomingMessage): Client {
  return clients.get(request) ?? { address: request.socket.remoteAddress ?? "", secure: false };
}

/** What is counted as one sender: an IPv4 address; of IPv6 the network, since one machine has as many as it likes. */
export function senderOf(request: IncomingMessage): string {
  const { address } = clientOf(request);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  return isIPv6(address) ? networkOf(address) : address;
}

/** The first 64 bits of an IPv6 address. */
function networkOf(address: string): string {
  const [head = "", tail] = address.split("%", 1)[0]!.split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - last.length);
  const all = [...groups, ...Array.from({ length: zeros }, () => "0"), ...last];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
