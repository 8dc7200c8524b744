// Loaded before all else by `node bin/test.js --late`: what is asked of files takes effect at once but is answered a random
// moment later, and requests reach their server late, as on a busy machine. Whatever relies on their order then fails.
import fsp, { type FileHandle } from "node:fs/promises";
import { Server } from "node:http";
import { syncBuiltinESMExports } from "node:module";

const share = 0.3;
const longestMs = 120;

type Asynchronous = (...args: unknown[]) => Promise<unknown>;

/** Makes some methods of an object answer late. */
function delay(target: object, names: readonly string[]): void {
  const methods = target as Record<string, Asynchronous>;
  for (const name of names) {
    const prompt = methods[name]!;
    methods[name] = async function (this: unknown, ...args) {
      const result = await prompt.apply(this, args);
      if (Math.random() < share) await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
      return result;
    };
  }
}

const some: FileHandle = await fsp.open(process.execPath);
delay(Object.getPrototypeOf(some) as object, ["appendFile", "close", "read", "readFile", "sync", "write", "writeFile"]);
await some.close();
delay(fsp, [
  "access",
  "lstat",
  "mkdir",
  "open",
  "readdir",
  "readFile",
  "realpath",
  "rename",
  "rm",
  "stat",
  "writeFile",
]);
syncBuiltinESMExports();

const { emit } = Server.prototype;
Server.prototype.emit = function (this: Server, name: string, ...args: unknown[]): boolean {
  const now = () => Reflect.apply(emit, this, [name, ...args]) as boolean;
  if ((name !== "request" && name !== "upgrade") || Math.random() > share) return now();
  setTimeout(now, Math.random() * longestMs);
  return true;
} as typeof emit;
