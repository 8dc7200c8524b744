import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type FoundKernelSpec, findKernelSpecs, kernelName } from "../../../kernel/specs/index.ts";
import { parsePath, type RootFolder } from "../contents/paths.ts";
import { HttpError } from "../errors.ts";
import type { KernelAction } from "./actions.ts";
import { Kernel, type KernelRecord } from "./kernel.ts";
import type { KernelObserver } from "./observer.ts";
import { SpareKernel } from "./spare.ts";

/** All kernels of the server. */
export class KernelManager {
  readonly #root: RootFolder;
  /** Computed when a kernel starts: the server's address is not known before it listens. */
  readonly #kernelEnv: () => NodeJS.ProcessEnv;
  readonly #observe: (kernel: Kernel) => KernelObserver;
  readonly #kernels = new Map<string, Kernel>();
  #lastActivity = new Date().toISOString();
  #spare: SpareKernel | undefined;
  #isClosed = false;
  /** Hears of what is done with kernels. */
  onAction: (action: KernelAction) => void = () => undefined;
  /** Kernelspec of kernels that are started without a name. */
  defaultName = kernelName;
  /**
   * Whether kernels of other packages may outlive the server. They do not end by themselves when no server comes back, as
   * those of this package do.
   */
  keepsForeign = false;

  /**
   * @param kernelEnv variables that every kernel gets.
   * @param observe makes what follows a kernel's messages.
   */
  constructor(root: RootFolder, kernelEnv: () => NodeJS.ProcessEnv, observe: (kernel: Kernel) => KernelObserver) {
    this.#root = root;
    this.#kernelEnv = kernelEnv;
    this.#observe = observe;
  }

  /** From now on one kernel waits in readiness, so that the next one of this package answers at once. */
  keepSpare(): void {
    this.#spare ??= new SpareKernel(this.#root.path, this.#kernelEnv);
  }

  /** Process id of the kernel that waits; it is no kernel of the API yet. */
  get sparePid(): number | undefined {
    return this.#spare?.pid;
  }

  list(): Kernel[] {
    return [...this.#kernels.values()];
  }

  find(id: string): Kernel | undefined {
    return this.#kernels.get(id);
  }

  /** @throws HttpError 404. */
  get(id: string): Kernel {
    const kernel = this.#kernels.get(id);
    if (!kernel) throw new HttpError(404, `Kernel does not exist: ${id}`);
    return kernel;
  }

  /** When a kernel was last heard of. */
  get lastActivity(): string {
    for (const { model } of this.list())
      if (model.last_activity > this.#lastActivity) this.#lastActivity = model.last_activity;
    return this.#lastActivity;
  }

  /**
   * Starts a kernel.
   *
   * @param name kernelspec; this package's own by default.
   * @param path file or folder of the API whose folder becomes the working directory; the served folder by default.
   */
  async start(name = this.defaultName, path = ""): Promise<Kernel> {
    try {
      const kernel = await this.#start(name, path);
      this.onAction({ action: "start", kernelId: kernel.id, kernelName: kernel.name });
      return kernel;
    } catch (error) {
      this.onAction({ action: "start", kernelName: name, error });
      throw error;
    }
  }

  async #start(name: string, path: string): Promise<Kernel> {
    const specs = await findKernelSpecs();
    const spec = Object.hasOwn(specs, name.toLowerCase()) ? specs[name.toLowerCase()] : undefined;
    if (!spec)
      throw new HttpError(
        501,
        `The '${name}' kernel is not available. Please pick another suitable kernel instead, or install that kernel.`,
      );
    const cwd = await this.#workingFolder(path);
    if (this.#isClosed) throw new HttpError(503, "The server is stopping");
    const kernel = this.#make(randomUUID(), spec, cwd);
    // Known before its process starts, so that a server that stops now ends it too.
    this.#kernels.set(kernel.id, kernel);
    try {
      await kernel.start();
    } catch (error) {
      this.#kernels.delete(kernel.id);
      throw error;
    }
    return kernel;
  }

  /**
   * Takes up a kernel that an earlier server started, under its id.
   *
   * @param prepare called before the first message of the kernel can come.
   * @returns false when the kernel has ended, or is of a kind that is no longer installed.
   */
  async adopt(
    { id, spec: name, cwd, life }: KernelRecord,
    prepare: (kernel: Kernel) => Promise<void>,
  ): Promise<boolean> {
    const spec = (await findKernelSpecs())[name.toLowerCase()];
    if (!spec) return false;
    const kernel = this.#make(id, spec, cwd);
    this.#kernels.set(id, kernel);
    await prepare(kernel);
    if (await kernel.adopt(life)) return true;
    this.#kernels.delete(id);
    await kernel.close();
    return false;
  }

  /** What another server needs to take the kernels up. */
  get records(): KernelRecord[] {
    return this.list().flatMap(({ record }) => record ?? []);
  }

  /** Ends a kernel for good. @throws HttpError 404. */
  async shutdown(id: string): Promise<void> {
    const kernel = this.get(id);
    this.#kernels.delete(id);
    await this.#told("shutdown", kernel, () => kernel.close());
  }

  /** @throws HttpError 404. */
  async interrupt(id: string): Promise<void> {
    const kernel = this.get(id);
    await this.#told("interrupt", kernel, () => kernel.interrupt());
  }

  /** Ends a kernel's process and starts a new one. @throws HttpError 404. */
  async restart(id: string): Promise<Kernel> {
    const kernel = this.get(id);
    await this.#told("restart", kernel, () => kernel.restart());
    return kernel;
  }

  /** @param keep lets the kernels go on, for the next server. */
  async close(keep = false): Promise<void> {
    this.#isClosed = true;
    this.#spare?.close();
    const kernels = this.list();
    this.#kernels.clear();
    await Promise.all(kernels.map((kernel) => (keep ? kernel.release() : kernel.close())));
  }

  #make(id: string, spec: FoundKernelSpec, cwd: string): Kernel {
    const takeSpare = () => (spec.name === kernelName ? this.#spare?.take() : undefined);
    // Most kernels end when the process of this number has ended.
    const foreign = () => (this.keepsForeign ? { JPY_PARENT_PID: undefined } : {});
    const env = () => ({ ...this.#kernelEnv(), ...(spec.name === kernelName ? {} : foreign()) });
    return new Kernel(id, { spec, cwd, env, takeSpare }, this.#observe);
  }

  async #told(action: KernelAction["action"], { id, name }: Kernel, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.onAction({ action, kernelId: id, kernelName: name });
    } catch (error) {
      this.onAction({ action, kernelId: id, kernelName: name, error });
      throw error;
    }
  }

  /** The folder of a notebook that may not exist yet; the nearest folder above that does. */
  async #workingFolder(path: string): Promise<string> {
    for (let at = parsePath(path); at !== "" && at !== "."; at = dirname(at)) {
      const real = await this.#root.locate(at).catch(() => undefined);
      if (real && (await stat(real)).isDirectory()) return real;
    }
    return this.#root.path;
  }
}
