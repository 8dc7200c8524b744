import type { RawData } from "ws";
import type { Channel, JupyterMessage, MessageHeader } from "../../../kernel/protocol/index.ts";

/** The websocket subprotocol whose frames are binary with 64-bit offsets; the other one has no name. */
export const v1Protocol = "v1.kernel.websocket.jupyter.org";

/** A message on a kernel's websocket: the channel is always known. */
export type ChannelMessage = JupyterMessage & { channel: Channel };

const channels: readonly string[] = ["shell", "control", "stdin", "iopub"];

/** A message in the form that a websocket of the given subprotocol carries. */
export function encodeFrame(message: ChannelMessage, protocol: string): string | Buffer {
  return protocol === v1Protocol ? encodeV1(message) : encodeLegacy(message);
}

/**
 * Reads a frame that a client sent.
 *
 * @throws Error when it is no message.
 */
export function decodeFrame(data: RawData, isBinary: boolean, protocol: string): ChannelMessage {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
  const message = protocol === v1Protocol ? decodeV1(bytes) : decodeLegacy(bytes, isBinary);
  if (!channels.includes(message.channel)) throw new Error(`unknown channel ${JSON.stringify(message.channel)}`);
  const header = message.header as MessageHeader | undefined;
  if (typeof header?.msg_id !== "string" || typeof header.msg_type !== "string") throw new Error("no message header");
  return {
    channel: message.channel,
    header,
    parent_header: message.parent_header ?? {},
    metadata: message.metadata ?? {},
    content: message.content ?? {},
    buffers: message.buffers ?? [],
  };
}

/** Offsets (little-endian uint64: their number, then each), channel, four JSON parts, buffers. */
function encodeV1(message: ChannelMessage): Buffer {
  const parts: Uint8Array[] = [
    Buffer.from(message.channel),
    ...[message.header, message.parent_header, message.metadata, message.content].map((part) =>
      Buffer.from(JSON.stringify(part)),
    ),
    ...message.buffers,
  ];
  const offsets = parts.length + 1;
  const table = Buffer.alloc(8 * (1 + offsets));
  table.writeBigUInt64LE(BigInt(offsets), 0);
  let at = table.length;
  table.writeBigUInt64LE(BigInt(at), 8);
  parts.forEach((part, i) => {
    at += part.byteLength;
    table.writeBigUInt64LE(BigInt(at), 8 * (i + 2));
  });
  return Buffer.concat([table, ...parts]);
}

function decodeV1(bytes: Buffer): ChannelMessage {
  const number = Number(bytes.readBigUInt64LE(0));
  if (number < 6 || 8 * (number + 1) > bytes.length) throw new Error("wrong number of offsets");
  const offsets = Array.from({ length: number }, (_, i) => Number(bytes.readBigUInt64LE(8 * (i + 1))));
  const parts = offsets.slice(1).map((end, i) => bytes.subarray(offsets[i], end));
  const [header, parent_header, metadata, content] = parts.slice(1, 5).map((part) => JSON.parse(part.toString("utf8")));
  const channel = parts[0]!.toString("utf8") as Channel;
  return { channel, header, parent_header, metadata, content, buffers: parts.slice(5) };
}

/** JSON text; with buffers: big-endian uint32 number of parts and offsets, the JSON, the buffers. */
function encodeLegacy(message: ChannelMessage): string | Buffer {
  const { buffers, ...rest } = message;
  const { msg_id, msg_type } = message.header;
  if (!buffers.length) return JSON.stringify({ ...rest, msg_id, msg_type, buffers: [] });
  const parts: Uint8Array[] = [Buffer.from(JSON.stringify({ ...rest, msg_id, msg_type })), ...buffers];
  const table = Buffer.alloc(4 * (1 + parts.length));
  table.writeUInt32BE(parts.length, 0);
  let at = table.length;
  parts.forEach((part, i) => {
    table.writeUInt32BE(at, 4 * (i + 1));
    at += part.byteLength;
  });
  return Buffer.concat([table, ...parts]);
}

function decodeLegacy(bytes: Buffer, isBinary: boolean): ChannelMessage {
  if (!isBinary) return { ...JSON.parse(bytes.toString("utf8")), buffers: [] };
  const number = bytes.readUInt32BE(0);
  if (number < 1 || 4 * (number + 1) > bytes.length) throw new Error("wrong number of parts");
  const offsets = Array.from({ length: number }, (_, i) => bytes.readUInt32BE(4 * (i + 1)));
  const parts = offsets.map((start, i) => bytes.subarray(start, offsets[i + 1] ?? bytes.length));
  return { ...JSON.parse(parts[0]!.toString("utf8")), buffers: parts.slice(1) };
}
