import type { KernelAction } from "../kernels/actions.ts";
import type { EventBus } from "./bus.ts";
import { kernelEvents } from "./schemas.ts";

const done: Record<KernelAction["action"], string> = {
  start: "was started",
  interrupt: "was interrupted",
  shutdown: "was shutdown",
  restart: "was restarted",
};

/** Tells the event bus of something that was done, or failed, with a kernel. */
export function tellKernels(events: EventBus): (action: KernelAction) => void {
  return ({ action, kernelId, kernelName, error }) => {
    const kernel = { kernel_name: kernelName, ...(kernelId === undefined ? {} : { kernel_id: kernelId }) };
    if (error === undefined)
      events.emit(kernelEvents, { ...kernel, action, status: "success", msg: `Kernel ${kernelId} ${done[action]}.` });
    else {
      const { status, message } = error as { status?: number; message?: string };
      const code = typeof status === "number" ? { status_code: status } : {};
      events.emit(kernelEvents, { ...kernel, action, status: "error", ...code, msg: message ?? String(error) });
    }
  };
}
