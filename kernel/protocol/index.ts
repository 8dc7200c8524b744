export { KernelClient, type RequestOptions } from "./client.ts";
export {
  address,
  type ConnectionInfo,
  connectionSchema,
  createConnection,
  readConnectionFile,
  type SocketName,
  writeConnectionFile,
} from "./connection.ts";
export {
  type Channel,
  createMessage,
  decodeMessage,
  encodeMessage,
  type JupyterMessage,
  type MessageHeader,
  protocolVersion,
  type ReceivedMessage,
  type Signing,
  sign,
} from "./messages.ts";
export { SendQueue } from "./sendQueue.ts";
export type { SpareOrder } from "./spareOrder.ts";
