/** Something that was done with a kernel, or that failed. */
export interface KernelAction {
  action: "start" | "interrupt" | "shutdown" | "restart";
  /** Undefined when it is no kernel yet: its start failed. */
  kernelId?: string;
  kernelName: string;
  /** Why it failed. */
  error?: unknown;
}
