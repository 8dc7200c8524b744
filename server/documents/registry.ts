import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../src/base/files.ts";
import { kernelRecordSchema } from "../api/kernels/kernel.ts";
import { identityOf } from "../api/kernels/osProcess.ts";
import { sessionRecordSchema } from "../api/sessions.ts";
import { runRecordSchema } from "./cellRun.ts";

const stateSchema = z.object({
  /** The server's process, see `identityOf`; null when it has left its kernels to the next one. */
  server: z.string().nullable(),
  kernels: z.array(kernelRecordSchema),
  sessions: z.array(sessionRecordSchema),
  runs: z.array(runRecordSchema),
});
export type RegistryState = Omit<z.infer<typeof stateSchema>, "server">;

/** Changes that come together are written together. */
const settleMs = 50;

/**
 * A file that says which kernels a server has, so that the next server of the same folder can take them up after this one
 * was killed. It holds the kernels' keys; only its owner can read it.
 */
export class KernelRegistry {
  readonly #folder: string;
  readonly #prefix: string;
  readonly #file: string;
  readonly #state: () => RegistryState;
  /** Files of earlier servers, needed until ours says the same. */
  #taken: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;

  /**
   * @param folder where the files of all servers of this user are.
   * @param root the served folder.
   * @param state what is to be written.
   */
  constructor(folder: string, root: string, state: () => RegistryState) {
    this.#folder = folder;
    this.#prefix = createHash("sha256").update(root).digest("hex").slice(0, 16);
    this.#file = this.#newFile();
    this.#state = state;
  }

  /** What servers of the same folder left that are gone. Nobody else gets it any more. */
  async takeLeft(): Promise<RegistryState[]> {
    const states: RegistryState[] = [];
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names.filter((each) => each.startsWith(`${this.#prefix}-`))) {
      const file = join(this.#folder, name);
      const state = await read(file);
      if (!state || (state.server !== null && isRunning(state.server))) continue;
      const mine = this.#newFile();
      try {
        await rename(file, mine);
      } catch {
        // Another server that starts now was first.
        continue;
      }
      this.#taken.push(mine);
      states.push(state);
    }
    return states;
  }

  /** Something has changed: the file is written a moment from now. */
  touch(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#write(identityOf(process.pid) ?? null);
    }, settleMs);
  }

  /** @param keep leaves the kernels to the next server; otherwise there are none any more. */
  async close(keep: boolean): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    if (keep) this.#write(null);
    await this.#writing;
    if (!keep) await Promise.all([this.#file, ...this.#taken].map((file) => rm(file, { force: true })));
  }

  #write(server: string | null): void {
    const state = { server, ...this.#state() };
    this.#writing = this.#writing
      .then(async () => {
        await mkdir(this.#folder, { recursive: true, mode: 0o700 });
        await writeFileAtomic(this.#file, JSON.stringify(state), { mode: 0o600 });
        await Promise.all(this.#taken.map((file) => rm(file, { force: true })));
        this.#taken = [];
      })
      .catch((error: unknown) => console.error("Which kernels run could not be written down:", error));
  }

  #newFile(): string {
    return join(this.#folder, `${this.#prefix}-${randomUUID()}.json`);
  }
}

async function read(file: string): Promise<z.infer<typeof stateSchema> | undefined> {
  try {
    return stateSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}

/** An identity begins with the number of its process. */
function isRunning(identity: string): boolean {
  return identityOf(Number.parseInt(identity, 10)) === identity;
}
