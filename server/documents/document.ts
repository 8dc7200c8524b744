import { z } from "zod";
import type { JupyterMessage } from "../../kernel/protocol/index.ts";
import type { Kernel } from "../api/kernels/kernel.ts";
import type { KernelObserver } from "../api/kernels/observer.ts";
import type { ChannelMessage } from "../api/kernels/wire.ts";
import type { Keeper } from "./keeper.ts";
import { cellCleared, cellStarted, followReply, followRequest, type KernelRuns, serverMessage } from "./kernelRuns.ts";

const followSchema = z.object({ path: z.string() });
const clearedSchema = z.object({ cell_id: z.string() });

/** What is asked of the sessions. */
interface KernelSessions {
  notebooksOf(kernelId: string): string[];
  isShared(kernelId: string): boolean;
}

/**
 * The document side of a kernel: keeps what its notebooks' cells show, and lets pages that open later, or beside the one
 * that runs a cell, show the same.
 */
export class KernelDocument implements KernelObserver {
  readonly #kernel: Kernel;
  readonly #keeper: Keeper;
  readonly #runs: KernelRuns;
  readonly #changed: () => void;
  readonly #isShared: () => boolean;
  /** Notebook of each page that follows, by client id. */
  readonly #followers = new Map<string, string>();

  /**
   * @param sessions which notebooks run on a kernel, and whether anything else does.
   * @param changed called when what another server needs to know of the kernel has changed.
   */
  constructor(kernel: Kernel, keeper: Keeper, sessions: KernelSessions, changed: () => void) {
    this.#kernel = kernel;
    this.#changed = changed;
    this.#keeper = keeper;
    this.#isShared = () => sessions.isShared(kernel.id);
    let known: string[] = [];
    this.#runs = keeper.keep({
      id: kernel.id,
      hasPage: () => kernel.clients.connected > 0,
      paths: () => {
        const now = sessions.notebooksOf(kernel.id);
        // A kernel that ends may have lost its session already.
        if (now.length > 0) known = now;
        return known;
      },
    });
  }

  intercepts(clientId: string, message: ChannelMessage): boolean {
    const { msg_type } = message.header;
    if (msg_type === followRequest) {
      const { data } = followSchema.safeParse(message.content);
      if (data) this.#followers.set(clientId, data.path);
      this.#tell(clientId, followReply, this.#runs.snapshot(), message);
    } else if (msg_type === cellCleared) {
      const { data } = clearedSchema.safeParse(message.content);
      if (data) this.#runs.cleared(data.cell_id);
    } else {
      return false;
    }
    return true;
  }

  sent(clientId: string, message: ChannelMessage): void {
    const path = this.#followers.get(clientId);
    const run = this.#runs.sent(message, path);
    if (!run) return;
    // A console's cells have ids, too. They are no notebook's, and none is to get them.
    if (path === undefined && this.#isShared()) run.isKnownToFile = true;
    const content = { message_id: run.messageId, cell_id: run.cellId, code: run.code };
    for (const follower of this.#followers.keys()) {
      if (!this.#kernel.clients.knows(follower)) this.#followers.delete(follower);
      else if (follower !== clientId) this.#tell(follower, cellStarted, content);
    }
  }

  received(message: JupyterMessage): void {
    this.#runs.received(message);
  }

  left(): void {
    if (this.#kernel.clients.connected === 0) this.#keeper.pageLeft(this.#kernel.id);
  }

  lives(): void {
    this.#changed();
  }

  ended(): void {
    this.#runs.ended();
    this.#changed();
  }

  caughtUp(): void {
    this.#runs.caughtUp();
  }

  closed(): Promise<void> {
    return this.#keeper.release(this.#kernel.id);
  }

  #tell(clientId: string, type: string, content: object, parent?: ChannelMessage): void {
    const channel = parent ? "control" : "iopub";
    const message = serverMessage(type, content, {
      kernelSession: this.#kernel.session,
      channel,
      ...(parent ? { parent } : {}),
    });
    this.#kernel.clients.tell(clientId, { ...message, channel });
  }
}
