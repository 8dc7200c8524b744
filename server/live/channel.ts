import type { Server as HttpServer } from "node:http";
import { type Socket, Server as SocketServer } from "socket.io";
import { z } from "zod";
import { type CommandReply, LiveRuns, Reader } from "../../src/live/index.ts";
import type { RootFolder } from "../api/contents/paths.ts";
import type { Authentication } from "../auth/authentication.ts";
import { isSameOrigin } from "../auth/origin.ts";
import { equalSecrets, randomSecret } from "../auth/secrets.ts";

/** Where socket.io listens; its clients' own default. */
export const livePath = "/socket.io/";

const ofPage = z.object({ xsrf: z.string().max(200).optional() });

/**
 * The live channel. What a run's folder holds is the truth: the channel reads the recordings below the served folder as
 * they grow, whoever trains them, and carries commands to the runs' command files. Kernels of this server also tell it
 * when they have recorded something, so that nothing waits for a look at the disk.
 *
 * Publishers (socket.io `auth.token` = `publisherToken`) emit `publish` `{runId, folder, event}`. Readers (the server's
 * token in `auth.token`, or its cookie) emit `subscribe` with a run's id, `{runId, after}` to go on where they were, or
 * `"*"` for the list of runs; they receive `update` (RunUpdate) and `runs` (`{runs}`), emit `unsubscribe`, and `command`
 * `{runId, command, xsrf}`, which is answered (CommandReply). A reader that cannot keep up gets fewer points, but always
 * the newest in the end; a training never waits for anyone.
 */
export class LiveChannel {
  /** What a session needs to publish; it cannot read or do anything else with it. */
  readonly publisherToken = randomSecret();
  readonly #io: SocketServer;
  readonly #authentication: Authentication;
  readonly #runs: LiveRuns;

  constructor(server: HttpServer, authentication: Authentication, root: RootFolder) {
    this.#authentication = authentication;
    this.#runs = new LiveRuns(root.path);
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
      if (socket.data.credential === "publisher")
        socket.on("publish", (message: unknown) => void this.#runs.published(message));
      else this.#acceptReader(socket);
    });
  }

  async close(): Promise<void> {
    await this.#runs.close();
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

  #acceptReader(socket: Socket): void {
    const reader = new Reader({
      update: (update) => socket.emit("update", update),
      list: (runs) => socket.emit("runs", { runs }),
    });
    // Packets are counted where they leave the process: they wait there when the other side reads slowly.
    socket.conn.on("packetCreate", () => reader.sent());
    socket.conn.on("drain", () => reader.taken());
    const orders = this.#runs.ordersOf(`web notebook, ${socket.handshake.address}`);
    this.#runs.join(reader);
    socket.on("subscribe", (message: unknown) => void this.#runs.subscribe(reader, message));
    socket.on("unsubscribe", (message: unknown) => this.#runs.unsubscribe(reader, message));
    socket.on("command", (message: unknown, answer: unknown) => {
      const reply = (value: CommandReply) => typeof answer === "function" && answer(value);
      if (!this.#isOfOurPage(socket, message))
        return reply({ error: "The command does not come from a page of this server: reload the page and try again." });
      orders.take(message).then(reply, (error: unknown) => reply({ error: String(error) }));
    });
    socket.on("disconnect", () => this.#runs.part(reader));
  }

  /** Whoever came with a cookie must show that a page of ours asks: `xsrf` repeats the `_xsrf` cookie, which no page of another site can read. */
  #isOfOurPage(socket: Socket, message: unknown): boolean {
    if (socket.data.credential === "token") return true;
    try {
      this.#authentication.checkXsrf(socket.request, ofPage.safeParse(message).data?.xsrf);
      return true;
    } catch {
      return false;
    }
  }
}
