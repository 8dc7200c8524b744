import type { Server as HttpServer } from "node:http";
import { clearInterval, setInterval } from "node:timers";
import { type Socket, Server as SocketServer } from "socket.io";
import { z } from "zod";
import type { RootFolder } from "../api/contents/paths.ts";
import type { Authentication } from "../auth/authentication.ts";
import { isSameOrigin } from "../auth/origin.ts";
import { equalSecrets, randomSecret } from "../auth/secrets.ts";
import { RunFeed } from "./feed.ts";
import { Glances } from "./glance.ts";
import { type FoundRun, RunLibrary } from "./library.ts";
import { allRuns, type CommandReply, type RunListing } from "./messages.ts";
import { Orders } from "./orders.ts";
import { Reader } from "./reader.ts";

/** Where socket.io listens; its clients' own default. */
export const livePath = "/socket.io/";

const listEveryMs = 2_000;
/** Runs that the list holds, the newest. */
const maxListed = 500;
/** Runs that are kept in memory after their last reader has left, for whoever comes back. */
const keptFeeds = 8;

const runId = z.string().min(1).max(200);
const publication = z.object({
  runId,
  folder: z.string().min(1).max(4096),
  event: z.looseObject({ type: z.string() }),
});
const subscription = z.union([
  runId.transform((id) => ({ runId: id, after: -1 })),
  z.object({ runId, after: z.int().min(-1).default(-1) }),
]);

/**
 * The live channel. What a run's folder holds is the truth: the channel reads the recordings below the served folder as
 * they grow, whoever trains them, and carries commands to the runs' command files. Kernels of this server also tell it
 * when they have recorded something, so that nothing waits for a look at the disk.
 *
 * Publishers (socket.io `auth.token` = `publisherToken`) emit `publish` `{runId, folder, event}`. Readers (the server's
 * token in `auth.token`, or its cookie) emit `subscribe` with a run's id, `{runId, after}` to go on where they were, or
 * `"*"` for the list of runs; they receive `update` ({@link RunUpdate}) and `runs` (`{runs}`), emit `unsubscribe`, and
 * `command` `{runId, command, xsrf}`, which is answered ({@link CommandReply}). A reader that cannot keep up gets fewer
 * points, but always the newest in the end; a training never waits for anyone.
 */
export class LiveChannel {
  /** What a session needs to publish; it cannot read or do anything else with it. */
  readonly publisherToken = randomSecret();
  readonly #io: SocketServer;
  readonly #authentication: Authentication;
  readonly #library: RunLibrary;
  readonly #glances = new Glances();
  readonly #feeds = new Map<string, Promise<RunFeed>>();
  readonly #readers = new Set<Reader>();
  #listed = "";
  #list: RunListing[] = [];
  #listing: Promise<void> | undefined;
  readonly #listTimer: NodeJS.Timeout;

  constructor(server: HttpServer, authentication: Authentication, root: RootFolder) {
    this.#authentication = authentication;
    this.#library = new RunLibrary(root);
    this.#io = new SocketServer(server, {
      path: livePath,
      serveClient: false,
      destroyUpgrade: false,
      maxHttpBufferSize: 4 * 1024 * 1024,
      allowRequest: (request, decide) => decide(null, authentication.isKnownHost(request) && isSameOrigin(request)),
    });
    this.#io.use((socket, next) => {
      const credential = this.#credentialOf(socket);
      if (!credential) return next(new Error("Forbidden"));
      socket.data.credential = credential;
      next();
    });
    this.#io.on("connection", (socket) => {
      if (socket.data.credential === "publisher") this.#acceptPublisher(socket);
      else this.#acceptReader(socket);
    });
    this.#listTimer = setInterval(() => void this.#refreshList(), listEveryMs);
    this.#listTimer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#listTimer);
    for (const feed of this.#feeds.values()) (await feed).close();
    this.#feeds.clear();
    await this.#io.close();
  }

  #credentialOf(socket: Socket): "publisher" | "token" | "cookie" | undefined {
    const given: unknown = socket.handshake.auth.token;
    if (typeof given === "string") {
      if (equalSecrets(given, this.publisherToken)) return "publisher";
      if (this.#authentication.isToken(given, socket.request)) return "token";
    }
    return this.#authentication.credential(socket.request);
  }

  #acceptPublisher(socket: Socket): void {
    socket.on("publish", (message: unknown) => {
      const parsed = publication.safeParse(message);
      if (parsed.success) void this.#published(parsed.data);
    });
  }

  async #published({ runId: id, folder, event }: z.infer<typeof publication>): Promise<void> {
    const run = await this.#library.learn(id, folder);
    if (!run) return;
    void this.#feeds.get(id)?.then((feed) => feed.poke());
    if (event.type === "run-started" || event.type === "run-finished") await this.#refreshList();
    for (const reader of this.#readers) if (reader.follows(id) && !this.#feeds.has(id)) void this.#serve(reader, run);
  }

  #acceptReader(socket: Socket): void {
    const reader = new Reader(socket);
    const orders = new Orders(socket, this.#authentication, this.#library);
    this.#readers.add(reader);
    socket.on("subscribe", (message: unknown) => {
      const parsed = subscription.safeParse(message);
      if (parsed.success) void this.#subscribe(reader, parsed.data);
    });
    socket.on("unsubscribe", (message: unknown) => {
      if (typeof message === "string") this.#leave(reader, [message]);
    });
    socket.on("command", (message: unknown, answer: unknown) => {
      const reply = (value: CommandReply) => typeof answer === "function" && answer(value);
      orders.take(message).then(reply, (error: unknown) => reply({ error: String(error) }));
    });
    socket.on("disconnect", () => {
      this.#readers.delete(reader);
      this.#leave(reader, [...reader.runs]);
    });
  }

  async #subscribe(reader: Reader, { runId: id, after }: { runId: string; after: number }): Promise<void> {
    if (reader.follows(id)) return;
    reader.follow(id, after);
    if (id === allRuns) {
      if (this.#listed) reader.sendList(this.#list);
      await this.#refreshList();
      return;
    }
    const run = await this.#library.find(id);
    if (run) await this.#serve(reader, run);
  }

  /** Sends a reader what it has not seen of a run. */
  async #serve(reader: Reader, run: FoundRun): Promise<void> {
    reader.send(await this.#feed(run));
  }

  #feed(run: FoundRun): Promise<RunFeed> {
    const { id } = run.config;
    const known = this.#feeds.get(id);
    // The one that was asked for last comes last.
    this.#feeds.delete(id);
    const feed =
      known ??
      RunFeed.open(run, (changed, isAnew) => {
        for (const reader of this.#readers) {
          if (isAnew && reader.follows(id)) reader.follow(id, -1);
          reader.send(changed);
        }
      });
    this.#feeds.set(id, feed);
    return feed;
  }

  /** Forgets runs that nobody follows any more, the oldest first. */
  #leave(reader: Reader, ids: readonly string[]): void {
    for (const id of ids) reader.leave(id);
    const idle = [...this.#feeds.keys()].filter((id) => ![...this.#readers].some((one) => one.follows(id)));
    for (const id of idle.slice(0, Math.max(0, idle.length - keptFeeds))) {
      void this.#feeds.get(id)?.then((feed) => feed.close());
      this.#feeds.delete(id);
    }
  }

  /** Tells the readers of the list where it has changed, and serves those that wait for a run that is there now. */
  #refreshList(): Promise<void> {
    const isWanted = [...this.#readers].some(
      (reader) => reader.follows(allRuns) || [...reader.runs].some((id) => !this.#feeds.has(id)),
    );
    if (!isWanted) return Promise.resolve();
    this.#listing ??= this.#relist().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  async #relist(): Promise<void> {
    const runs = (await this.#library.list()).slice(0, maxListed);
    this.#list = await Promise.all(runs.map((run) => this.#listingOf(run)));
    const listed = JSON.stringify(this.#list);
    const isNew = listed !== this.#listed;
    this.#listed = listed;
    for (const reader of this.#readers) {
      if (isNew && reader.follows(allRuns)) reader.sendList(this.#list);
      for (const run of runs)
        if (reader.follows(run.config.id) && !this.#feeds.has(run.config.id)) await this.#serve(reader, run);
    }
  }

  async #listingOf({ folder, path, config }: FoundRun): Promise<RunListing> {
    const feed = await this.#feeds.get(config.id);
    const { state, step } = feed?.status ?? (await this.#glances.of(folder));
    const { id, name, createdAt } = config;
    return { runId: id, name, createdAt, state, step, ...(path !== undefined && { path }) };
  }
}
