import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import { heartbeat } from "../sockets.ts";
import type { Kernel } from "./kernel.ts";
import { decodeFrame } from "./wire.ts";

/**
 * Connects a websocket to a kernel.
 *
 * @param sessionId names the client: the same one after a lost connection gets what it missed.
 */
export function connectChannels(kernel: Kernel, socket: WebSocket, sessionId: string = randomUUID()): void {
  heartbeat(socket);
  kernel.clients.open(sessionId, socket);
  if (kernel.isDead) kernel.announceDeath();
  socket.on("message", (data, isBinary) => {
    let message: ReturnType<typeof decodeFrame>;
    try {
      message = decodeFrame(data, isBinary, socket.protocol);
    } catch (error) {
      socket.close(1007, closeReason(`Not a Jupyter message: ${(error as Error).message}`));
      return;
    }
    kernel.send(sessionId, message).catch((error: unknown) => console.error(`Kernel ${kernel.name}:`, error));
  });
  socket.on("close", () => kernel.left(sessionId, socket));
}

/** As much of a text as fits into a websocket's last frame, which holds 123 bytes of it. */
function closeReason(text: string): string {
  const bytes = new Uint8Array(123);
  return text.slice(0, new TextEncoder().encodeInto(text, bytes).read);
}
