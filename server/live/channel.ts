import type { Server as HttpServer } from "node:http";
import { type Socket, Server as SocketServer } from "socket.io";
import { z } from "zod";
import type { Authentication } from "../auth/authentication.ts";
import { isSameOrigin } from "../auth/origin.ts";
import { equalSecrets, randomSecret } from "../auth/secrets.ts";
import { type LiveEvent, RunHistory } from "./history.ts";

/** Where socket.io listens; its clients' own default. */
export const livePath = "/socket.io/";

/** Topic of a reader that follows every run. */
const allRuns = "*";

/** Packets that may wait for a reader; beyond, it gets nothing until it has read them. */
const maxWaiting = 500;
/** Steps of a run that a reader gets of those that it missed meanwhile. */
const maxMissed = 200;
const maxRuns = 50;

const runId = z.string().min(1).max(200);
const publication = z.object({ runId, event: z.looseObject({ type: z.string() }) });

export interface LiveOptions {
  /** Events per run that late readers get. Default 10,000. */
  capacity?: number;
}

/**
 * The live channel: training sessions publish the events of their runs, pages follow them. A run's recording on disk is
 * the truth; the channel only carries its end to whoever looks.
 *
 * Publishers (socket.io `auth.token` = `publisherToken`) emit `publish` `{runId, event}`. Readers (the server's token in
 * `auth.token`, or its cookie) emit `subscribe` with a run's id or `"*"`, and receive `history` `{runId, events}` and then
 * `event` `{runId, event}`. A reader that cannot keep up gets only some of the steps, but always the newest in the end; a
 * publisher never waits for anyone.
 */
export class LiveChannel {
  /** What a session needs to publish; it cannot read or do anything else with it. */
  readonly publisherToken = randomSecret();
  readonly #io: SocketServer;
  readonly #authentication: Authentication;
  readonly #capacity: number;
  readonly #runs = new Map<string, RunHistory>();
  readonly #readers = new Set<Reader>();

  constructor(server: HttpServer, authentication: Authentication, { capacity = 10_000 }: LiveOptions = {}) {
    this.#authentication = authentication;
    this.#capacity = capacity;
    this.#io = new SocketServer(server, {
      path: livePath,
      serveClient: false,
      destroyUpgrade: false,
      maxHttpBufferSize: 4 * 1024 * 1024,
      allowRequest: (request, decide) => decide(null, authentication.isKnownHost(request) && isSameOrigin(request)),
    });
    this.#io.use((socket, next) => {
      const role = this.#roleOf(socket);
      if (!role) return next(new Error("Forbidden"));
      socket.data.role = role;
      next();
    });
    this.#io.on("connection", (socket) => {
      if (socket.data.role === "publisher") this.#acceptPublisher(socket);
      else this.#acceptReader(socket);
    });
  }

  /** Adds an event to a run and sends it to the readers that follow it. */
  publish(run: string, event: LiveEvent): void {
    let history = this.#runs.get(run);
    if (!history) {
      history = new RunHistory(this.#capacity);
      this.#runs.set(run, history);
      if (this.#runs.size > maxRuns) this.#runs.delete(this.#runs.keys().next().value!);
    }
    history.add(event);
    for (const reader of this.#readers) reader.send(run, history.sequence, event);
  }

  async close(): Promise<void> {
    await this.#io.close();
  }

  #roleOf(socket: Socket): "publisher" | "reader" | undefined {
    const given: unknown = socket.handshake.auth.token;
    if (typeof given === "string") {
      if (equalSecrets(given, this.publisherToken)) return "publisher";
      if (equalSecrets(given, this.#authentication.token)) return "reader";
    }
    return this.#authentication.credential(socket.request) ? "reader" : undefined;
  }

  #acceptPublisher(socket: Socket): void {
    socket.on("publish", (message: unknown) => {
      const parsed = publication.safeParse(message);
      if (parsed.success) this.publish(parsed.data.runId, parsed.data.event);
    });
  }

  #acceptReader(socket: Socket): void {
    const reader = new Reader(socket, this.#runs);
    this.#readers.add(reader);
    socket.on("disconnect", () => this.#readers.delete(reader));
  }
}

/** One page's view of the channel. */
class Reader {
  readonly #socket: Socket;
  readonly #runs: ReadonlyMap<string, RunHistory>;
  readonly #topics = new Set<string>();
  /** Sequence of the newest event that was sent, by run. */
  readonly #sent = new Map<string, number>();
  #waiting = 0;

  constructor(socket: Socket, runs: ReadonlyMap<string, RunHistory>) {
    this.#socket = socket;
    this.#runs = runs;
    socket.on("subscribe", (topic: unknown) => {
      const parsed = runId.safeParse(topic);
      if (!parsed.success || this.#topics.has(parsed.data)) return;
      this.#topics.add(parsed.data);
      const wanted = [...runs].filter(([run]) => parsed.data === allRuns || run === parsed.data);
      // Noted before anything is sent: sending may find that the reader can take more, and look for what it missed.
      for (const [run, history] of wanted) this.#sent.set(run, history.sequence);
      for (const [run, history] of wanted) socket.emit("history", { runId: run, events: history.events });
    });
    socket.on("unsubscribe", (topic: unknown) => {
      if (typeof topic === "string") this.#topics.delete(topic);
    });
    // Packets are counted where they leave the process: they wait there when the other side reads slowly.
    socket.conn.on("packetCreate", () => {
      this.#waiting++;
    });
    socket.conn.on("drain", () => {
      this.#waiting = 0;
      this.#catchUp();
    });
  }

  send(run: string, sequence: number, event: LiveEvent): void {
    if (!this.#follows(run) || this.#waiting >= maxWaiting) return;
    this.#sent.set(run, sequence);
    this.#socket.emit("event", { runId: run, event });
  }

  #follows(run: string): boolean {
    return this.#topics.has(run) || this.#topics.has(allRuns);
  }

  /** Sends what was left out while packets waited. */
  #catchUp(): void {
    for (const [run, history] of this.#runs) {
      if (!this.#follows(run)) continue;
      const missed = history.since(this.#sent.get(run) ?? 0, maxMissed);
      this.#sent.set(run, history.sequence);
      for (const event of missed) this.#socket.emit("event", { runId: run, event });
    }
  }
}
