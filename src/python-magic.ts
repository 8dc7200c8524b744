import { registerMagic } from "./display/index.ts";
import { PythonInterpreter } from "./interpreter/index.ts";

let interpreter: Promise<PythonInterpreter> | undefined;

/**
 * Makes `%%python` cells run in a sandboxed interpreter of their own, started on first use. Each cell is a fresh program,
 * as a policy's snippets are; what it prints stands under the cell, and an exception fails it.
 */
export function registerPythonMagic(): void {
  registerMagic("python", async (code) => {
    interpreter ??= PythonInterpreter.start({ maxOutputChars: 100_000, timeoutMs: 60_000 });
    const { status, stdout, stderr, error } = await (await interpreter).run(code);
    if (stdout) process.stdout.write(stdout);
    if (status === "ok") {
      if (stderr) process.stderr.write(stderr);
      return;
    }
    const failure = new Error(error?.message ?? `the snippet ended with status ${status}`);
    failure.name = error?.name ?? status;
    failure.stack = stderr.trim() || `${failure.name}: ${failure.message}`;
    throw failure;
  });
}
