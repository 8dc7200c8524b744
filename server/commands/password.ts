import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { parseArgs } from "node:util";
import { PasswordFile } from "../auth/password.ts";

const usage = `cirlab password [--remove]
  Asks for a password that opens the notebook server beside its token, and keeps its scrypt hash in
  ~/.cirlab/password.json. Running servers take it at once; browsers that were logged in have to log in again.
  Where there is no terminal, the password is the first line of the input.
  --remove      forget the password: only the token opens the server`;

/** `cirlab password`. Returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  if (argv.includes("--help") || argv.includes("-h")) {
    console.log(usage);
    return 0;
  }
  const file = new PasswordFile(join(homedir(), ".cirlab"));
  try {
    const { values } = parseArgs({ args: argv, options: { remove: { type: "boolean" } } });
    if (values.remove) {
      console.log((await file.remove()) ? "The password is removed." : "There was no password.");
      return 0;
    }
    await file.set(await ask());
    console.log(`The password is set (${file.path}).`);
    return 0;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    console.error(`cirlab password: ${message}`);
    return code?.startsWith("ERR_PARSE_ARGS") ? 2 : 1;
  }
}

/** Asks twice, without showing what is typed. @throws when the two differ or the input ends. */
async function ask(): Promise<string> {
  const { stdin, stdout } = process;
  if (!stdin.isTTY) return firstLine();
  let isShown = true;
  // The terminal echoes nothing of its own while readline has it; this keeps readline from doing it.
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (isShown) stdout.write(chunk);
      done();
    },
  });
  const terminal = createInterface({ input: stdin, output, terminal: true, historySize: 0 });
  const stopped = new Promise<never>((_, reject) => {
    terminal.once("close", () => reject(new Error("nothing was changed.")));
  });
  const hidden = async (question: string): Promise<string> => {
    stdout.write(question);
    isShown = false;
    const answer = await Promise.race([terminal.question(""), stopped]);
    isShown = true;
    stdout.write("\n");
    return answer;
  };
  try {
    const password = await hidden("New password: ");
    if ((await hidden("Again: ")) !== password) throw new Error("the two passwords differ; nothing was changed.");
    return password;
  } finally {
    stopped.catch(() => undefined);
    terminal.close();
  }
}

async function firstLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    lines.close();
    return line;
  }
  throw new Error("the input holds no password.");
}
