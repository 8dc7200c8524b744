import type { spawn } from "@lydell/node-pty";

/** The library's one function that is used here. */
export type SpawnPty = typeof spawn;

/**
 * The pseudo-terminal library, or undefined on a platform that it has no binary for: terminals are unavailable there and
 * everything else works.
 */
export async function loadPty(): Promise<SpawnPty | undefined> {
  try {
    return (await import("@lydell/node-pty")).spawn;
  } catch (error) {
    console.error(`Terminals are not available on this machine: ${(error as Error).message.split("\n", 1)[0]}`);
    return undefined;
  }
}
