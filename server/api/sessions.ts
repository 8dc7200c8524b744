import { randomUUID } from "node:crypto";
import { basename } from "node:path/posix";
import express, { type Router } from "express";
import { z } from "zod";
import { parseInput } from "../../src/base/schema.ts";
import { jsonBody, megabyte } from "./bodies.ts";
import { parsePath } from "./contents/paths.ts";
import { HttpError } from "./errors.ts";
import type { KernelModel } from "./kernels/kernel.ts";
import type { KernelManager } from "./kernels/manager.ts";

/** A session as it is kept over a restart of the server. */
export const sessionRecordSchema = z.object({
  id: z.string(),
  path: z.string(),
  name: z.string(),
  type: z.string(),
  kernelId: z.string(),
});
type Session = z.infer<typeof sessionRecordSchema>;

/** A session as Jupyter's API describes it. */
interface SessionModel {
  id: string;
  path: string;
  name: string;
  type: string;
  kernel: KernelModel;
  /** Only for notebooks; kept by Jupyter for old clients. */
  notebook?: { path: string; name: string };
}

/** A document's path: it becomes a kernel's working folder, so that it may not lead out of the served one. */
const pathSchema = (message?: string) =>
  z.string(message).transform((path) => {
    parsePath(path);
    return path;
  });

const kernelSchema = z.object({ id: z.string().nullish(), name: z.string().nullish() });
const startSchema = z.object({
  path: pathSchema("Field missing in session: path"),
  type: z.string().default("notebook"),
  name: z.string().nullish(),
  kernel: kernelSchema.nullish(),
});
const patchSchema = z.object({
  path: pathSchema().nullish(),
  type: z.string().nullish(),
  name: z.string().nullish(),
  kernel: kernelSchema.nullish(),
});

/** Which document runs on which kernel. */
export class SessionManager {
  readonly #kernels: KernelManager;
  readonly #sessions = new Map<string, Session>();
  /** Sessions that are being started, by path and type: two pages that open one notebook get one kernel. */
  readonly #starting = new Map<string, Promise<Session>>();

  /** Called after each change. */
  onChange: () => void = () => undefined;

  constructor(kernels: KernelManager) {
    this.#kernels = kernels;
  }

  /** All sessions whose kernel still is there. */
  list(): SessionModel[] {
    for (const { id, kernelId } of this.#sessions.values())
      if (!this.#kernels.find(kernelId)) this.#sessions.delete(id);
    return [...this.#sessions.values()].map((session) => this.#model(session));
  }

  /** The notebooks that run on a kernel. */
  notebooksOf(kernelId: string): string[] {
    return [...this.#sessions.values()]
      .filter((session) => session.kernelId === kernelId && session.type === "notebook")
      .map(({ path }) => path);
  }

  /** Whether something else than notebooks, such as a console, runs on a kernel too. */
  isShared(kernelId: string): boolean {
    return [...this.#sessions.values()].some((session) => session.kernelId === kernelId && session.type !== "notebook");
  }

  /** The sessions as another server can take them up. */
  get records(): Session[] {
    return [...this.#sessions.values()];
  }

  /** Takes up a session of an earlier server. */
  restore(session: Session): void {
    this.#sessions.set(session.id, { ...session });
  }

  get(id: string): SessionModel {
    return this.#model(this.#find(id));
  }

  /** Starts a session, or returns the one that the document has. */
  async start(input: z.infer<typeof startSchema>): Promise<SessionModel> {
    const key = JSON.stringify([input.path, input.type]);
    const running = this.list().find(({ path, type }) => path === input.path && type === input.type);
    if (running) return running;
    let started = this.#starting.get(key);
    if (!started) {
      started = this.#start(input).finally(() => this.#starting.delete(key));
      this.#starting.set(key, started);
    }
    return this.#model(await started);
  }

  /** Renames a session's document or gives it another kernel; the old kernel ends unless another session uses it. */
  async update(id: string, input: z.infer<typeof patchSchema>): Promise<SessionModel> {
    const session = this.#find(id);
    const before = session.kernelId;
    if (input.kernel?.id) session.kernelId = this.#kernels.get(input.kernel.id).id;
    else if (input.kernel?.name) session.kernelId = (await this.#kernels.start(input.kernel.name, session.path)).id;
    session.path = input.path ?? session.path;
    session.type = input.type ?? session.type;
    session.name = input.name ?? session.name;
    this.onChange();
    if (before !== session.kernelId) await this.#release(before);
    return this.#model(session);
  }

  /** A file or folder has another name now: what runs on a document there goes on under it, whether or not a page is open. */
  follow(from: string, to: string): void {
    for (const session of this.#sessions.values()) {
      if (session.path !== from && !session.path.startsWith(`${from}/`)) continue;
      const isNamed = session.name === basename(session.path);
      session.path = to + session.path.slice(from.length);
      if (isNamed) session.name = basename(session.path);
    }
    this.onChange();
  }

  async remove(id: string): Promise<void> {
    const session = this.#find(id);
    const isOrphan = !this.#kernels.find(session.kernelId);
    // The kernel's last words still find their notebook.
    if (!isOrphan) await this.#release(session.kernelId, session);
    this.#sessions.delete(id);
    this.onChange();
    if (isOrphan) throw new HttpError(410, "Kernel deleted before session");
  }

  async #start({ path, type, name, kernel }: z.infer<typeof startSchema>): Promise<Session> {
    const kernelId = kernel?.id
      ? this.#kernels.get(kernel.id).id
      : (await this.#kernels.start(kernel?.name ?? undefined, path)).id;
    const session: Session = { id: randomUUID(), path, type, name: name ?? "", kernelId };
    this.#sessions.set(session.id, session);
    this.onChange();
    return session;
  }

  async #release(kernelId: string, by?: Session): Promise<void> {
    if ([...this.#sessions.values()].some((session) => session !== by && session.kernelId === kernelId)) return;
    if (this.#kernels.find(kernelId)) await this.#kernels.shutdown(kernelId);
  }

  #find(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) throw new HttpError(404, `Session not found: session_id=${JSON.stringify(id)}`);
    return session;
  }

  #model({ id, path, name, type, kernelId }: Session): SessionModel {
    const kernel = this.#kernels.find(kernelId);
    if (!kernel) {
      this.#sessions.delete(id);
      throw new HttpError(404, `Session not found: session_id=${JSON.stringify(id)}`);
    }
    return { id, path, name, type, kernel: kernel.model, ...(type === "notebook" ? { notebook: { path, name } } : {}) };
  }
}

/** Jupyter's sessions API: /api/sessions. */
export function sessionsRouter(sessions: SessionManager): Router {
  const router = express.Router();
  router.use(jsonBody(megabyte));

  router.get("/", (_request, response) => {
    response.json(sessions.list());
  });
  router.post("/", async (request, response) => {
    const session = await sessions.start(parseInput(startSchema, request.body ?? {}, "session"));
    response.status(201).location(`/api/sessions/${session.id}`).json(session);
  });
  router.get("/:id", (request, response) => {
    response.json(sessions.get(request.params.id));
  });
  router.patch("/:id", async (request, response) => {
    response.json(await sessions.update(request.params.id, parseInput(patchSchema, request.body ?? {}, "session")));
  });
  router.delete("/:id", async (request, response) => {
    await sessions.remove(request.params.id);
    response.status(204).end();
  });
  return router;
}
