import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** Version of the Jupyter messaging protocol that this package speaks. */
export const protocolVersion = "5.4";

/** The four message channels; the heartbeat is no message channel. */
export type Channel = "shell" | "control" | "stdin" | "iopub";

export interface MessageHeader {
  msg_id: string;
  msg_type: string;
  session: string;
  username: string;
  /** ISO 8601. */
  date: string;
  version: string;
  subshell_id?: string | null;
}

/** A message of the Jupyter protocol. Names with underscores are the protocol's own. */
export interface JupyterMessage {
  /** Where it came from or goes to; not part of what travels over ZeroMQ. */
  channel?: Channel;
  header: MessageHeader;
  /** Empty object when there is no parent. */
  parent_header: MessageHeader | Record<string, never>;
  metadata: Record<string, unknown>;
  content: Record<string, unknown>;
  buffers: Uint8Array[];
}

/** A message as it came over ZeroMQ, with the routing identities that stood before it. */
export interface ReceivedMessage {
  identities: Uint8Array[];
  message: JupyterMessage;
}

const delimiter = Buffer.from("<IDS|MSG>");
const schemes: Record<string, string> = { "hmac-sha256": "sha256", "hmac-sha512": "sha512", "hmac-md5": "md5" };

/** What a message is signed with: the connection file's `key` and `signature_scheme`. An empty key signs nothing. */
export interface Signing {
  key: string;
  signature_scheme: string;
}

/** HMAC of the four JSON parts, as lower-case hex; empty without a key. */
export function sign(parts: readonly Uint8Array[], signing: Signing): string {
  if (!signing.key) return "";
  const hash = schemes[signing.signature_scheme];
  if (!hash) throw new Error(`Unknown signature scheme "${signing.signature_scheme}".`);
  const hmac = createHmac(hash, signing.key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}

/** A new message of the given type. */
export function createMessage(
  msgType: string,
  content: Record<string, unknown>,
  options: {
    session: string;
    username?: string;
    parent?: JupyterMessage | undefined;
    metadata?: Record<string, unknown>;
    buffers?: Uint8Array[];
    channel?: Channel;
  },
): JupyterMessage {
  return {
    ...(options.channel ? { channel: options.channel } : {}),
    header: {
      msg_id: randomUUID(),
      msg_type: msgType,
      session: options.session,
      username: options.username ?? "cirlab",
      date: new Date().toISOString(),
      version: protocolVersion,
    },
    parent_header: options.parent?.header ?? {},
    metadata: options.metadata ?? {},
    content,
    buffers: options.buffers ?? [],
  };
}

/** The frames of a message: identities, delimiter, signature, four JSON parts, buffers. */
export function encodeMessage(
  message: JupyterMessage,
  signing: Signing,
  identities: readonly Uint8Array[] = [],
): Uint8Array[] {
  const parts = [message.header, message.parent_header, message.metadata, message.content].map((part) =>
    Buffer.from(JSON.stringify(part)),
  );
  return [...identities, delimiter, Buffer.from(sign(parts, signing)), ...parts, ...message.buffers];
}

function sameSignature(given: Uint8Array, expected: string): boolean {
  const wanted = Buffer.from(expected);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads the frames of a message; undefined when they are malformed or wrongly signed. */
export function decodeMessage(frames: readonly Uint8Array[], signing: Signing): ReceivedMessage | undefined {
  const at = frames.findIndex((frame) => delimiter.equals(frame));
  if (at < 0 || frames.length < at + 6) return undefined;
  const parts = frames.slice(at + 2, at + 6);
  if (signing.key && !sameSignature(frames[at + 1]!, sign(parts, signing))) return undefined;
  try {
    const [header, parent, metadata, content] = parts.map((part) => JSON.parse(Buffer.from(part).toString("utf8")));
    if (typeof header?.msg_type !== "string" || typeof header.msg_id !== "string") return undefined;
    if (![parent ?? {}, metadata ?? {}, content ?? {}].every(isRecord)) return undefined;
    return {
      identities: frames.slice(0, at),
      message: {
        header,
        parent_header: parent ?? {},
        metadata: metadata ?? {},
        content: content ?? {},
        buffers: frames.slice(at + 6),
      },
    };
  } catch {
    return undefined;
  }
}
