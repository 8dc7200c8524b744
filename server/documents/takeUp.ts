import type { KernelManager } from "../api/kernels/manager.ts";
import type { SessionManager } from "../api/sessions.ts";
import type { Keeper } from "./keeper.ts";
import type { KernelRegistry } from "./registry.ts";

/** Takes up the kernels, sessions and running cells of servers of the same folder that are gone. */
export async function takeUp(
  registry: KernelRegistry,
  { kernels, sessions, keeper }: { kernels: KernelManager; sessions: SessionManager; keeper: Keeper },
): Promise<void> {
  for (const left of await registry.takeLeft()) {
    // Before the kernels: what they say belongs to a notebook at once.
    for (const session of left.sessions) sessions.restore(session);
    await Promise.all(
      left.kernels.map((record) =>
        kernels.adopt(record, async ({ id }) => {
          for (const run of left.runs) if (run.kernelId === id) await keeper.restore(run);
        }),
      ),
    );
    // Sessions whose kernel has ended end too.
    sessions.list();
  }
  registry.touch();
}
