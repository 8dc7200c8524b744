import { connect } from "node:net";

/** What came back on a connection of our own. */
export interface RawAnswer {
  /** 0 when the connection was closed without an answer. */
  status: number;
  text: string;
}

/** Sends bytes as they are, where an HTTP client would put them in order first, and reads until the answer's head is there. */
export function sendRaw(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const done = (): void => {
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => {
      text += part;
      if (text.includes("\r\n\r\n")) done();
    });
    // A refused connection may be closed while we still write.
    socket.on("error", done);
    socket.on("close", done);
  });
}

/** A request as it stands on the wire; headers given as `undefined` are left out. */
export function wire(
  method: string,
  target: string,
  headers: Record<string, string | undefined> = {},
  body = "",
): string {
  const all: Record<string, string | undefined> = {
    Host: "127.0.0.1",
    ...(body && headers["Transfer-Encoding"] === undefined
      ? { "Content-Length": String(Buffer.byteLength(body)) }
      : {}),
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined);
  return `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
}
