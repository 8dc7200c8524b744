import type { KernelManager } from "./manager.ts";

/** Which kernels are ended because nobody uses them. */
export interface CullOptions {
  /** Seconds without activity after which a kernel is idle. */
  idleSeconds: number;
  /** Seconds from one look to the next. Default 300. */
  intervalSeconds?: number;
  /** Also kernels that a page is connected to. Default false. */
  connected?: boolean;
  /** Also kernels that compute. Default false. */
  busy?: boolean;
}

const defaultIntervalSeconds = 300;

/**
 * Ends idle kernels from now on, with Jupyter's meaning of idle; dead ones at every look.
 *
 * @returns what ends the looking.
 */
export function cullIdleKernels(kernels: KernelManager, options: CullOptions): () => void {
  const { idleSeconds, intervalSeconds = defaultIntervalSeconds, connected = false, busy = false } = options;
  const look = (): void => {
    for (const { model } of kernels.list()) {
      const idle = (Date.now() - Date.parse(model.last_activity)) / 1000;
      const isUnused =
        idle > idleSeconds && (busy || model.execution_state !== "busy") && (connected || model.connections === 0);
      if (!isUnused && model.execution_state !== "dead") continue;
      console.error(`Kernel ${model.name} (${model.id}) is ended: nothing happened for ${Math.floor(idle)} s.`);
      kernels.shutdown(model.id).catch((error: unknown) => console.error(error));
    }
  };
  const timer = setInterval(look, intervalSeconds * 1000).unref();
  return () => clearInterval(timer);
}
