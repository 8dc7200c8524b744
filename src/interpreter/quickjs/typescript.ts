import type { LaneResult } from "../lane.ts";
import { Pool, type PoolOutcome, type PoolRunOptions } from "../pool.ts";
import type { LaneJob } from "../protocol.ts";

interface Failure {
  text: string;
  location: { line: number; column: number } | null;
}

/** Takes the types out of TypeScript, or says what is wrong with it; with an inline source map for the lines. */
async function strip(code: string): Promise<string | Failure> {
  const { transform } = await import("esbuild");
  try {
    const { code: stripped } = await transform(code, {
      loader: "ts",
      target: "es2023",
      sourcemap: "inline",
      sourcesContent: false,
      logLevel: "silent",
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, useDefineForClassFields: true } },
    });
    return stripped;
  } catch (error) {
    const [first] = (error as { errors?: Failure[] }).errors ?? [];
    if (!first) throw error;
    return first;
  }
}

/** What a snippet comes to that is no TypeScript: it never ran. */
function refused({ text, location }: Failure, file: string): LaneResult {
  const lastLine = `SyntaxError: ${text}`;
  const line = location?.line ?? null;
  const traceback = line === null ? lastLine : `${lastLine}\n    at ${file}:${line}:${location!.column + 1}`;
  return {
    status: "error",
    exitCode: 1,
    stdout: Buffer.alloc(0),
    stderr: Buffer.from(`${traceback}\n`),
    report: {
      exitCode: 1,
      error: { name: "SyntaxError", message: text, line, lastLine, traceback, memory: false },
      value: null,
    },
    peakMemoryMb: null,
    reusable: true,
    sessionLost: false,
    durationMs: 0,
  };
}

/** A pool that takes TypeScript: types are taken out before a snippet joins the queue. */
export class TypeScriptPool extends Pool {
  override async run(request: LaneJob, options: PoolRunOptions = {}): Promise<PoolOutcome> {
    const stripped = await strip(request.code);
    if (typeof stripped === "string") return super.run({ ...request, code: stripped }, options);
    const file = request.session === null ? "<snippet>" : "<cell>";
    return { ...refused(stripped, file), queuedMs: 0, metFailure: false };
  }
}
