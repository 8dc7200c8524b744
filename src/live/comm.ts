import { z } from "zod";
import { LabError } from "../base/errors.ts";
import { type Comm, host } from "../display/index.ts";
import { onRecorded } from "../recording/index.ts";
import { RunBrowser } from "./browse/browser.ts";
import { LiveRuns } from "./live-runs.ts";
import { commTarget, type FromKernel } from "./messages.ts";
import { Outlet } from "./outlet.ts";
import { Reader } from "./reader.ts";

/** A page draws no more often. */
const restMs = 100;
/** Points of a metric for a page that begins with a run: a tenth of a megabyte for each ten metrics. */
const points = 500;
/** Pages that load anew do not say that they were there before: beyond this many, the oldest is let go. */
const maxPages = 8;

const fromPage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("subscribe"), to: z.unknown() }),
  z.object({ type: z.literal("unsubscribe"), runId: z.unknown() }),
  z.object({ type: z.literal("taken"), count: z.int().positive() }),
  z.object({ type: z.literal("command"), id: z.number(), runId: z.unknown(), command: z.unknown() }),
  z.object({ type: z.literal("browse"), id: z.number(), question: z.unknown() }),
]);

interface Runs {
  readonly live: LiveRuns;
  readonly browser: RunBrowser;
}

let runs: Runs | undefined;
/** The pages that are there, the oldest first, and how they are let go. */
const pages = new Map<Comm, () => void>();

/**
 * Offers the runs below the kernel's folder, and those of its own trainings wherever they are, to pages of any Jupyter
 * server: a page opens the comm {@link commTarget}, follows runs and gives commands as on the live channel of our server.
 * Outside of a notebook it does nothing.
 */
export function serveRuns(): void {
  host()?.registerTarget(commTarget, (comm) => accept(comm as Comm));
}

/** Begins with the first page that asks. */
function theRuns(): Runs {
  if (runs) return runs;
  const root = process.cwd();
  const live = new LiveRuns(root, points);
  // A folder that cannot be looked through now is looked through the next time.
  onRecorded((message) => void live.published(message).catch(() => undefined));
  runs = { live, browser: new RunBrowser(root) };
  return runs;
}

function accept(comm: Comm): void {
  const { live, browser } = theRuns();
  const outlet = new Outlet<FromKernel>((message) => comm.send(message));
  const say = (message: FromKernel) => outlet.say(message);
  const tell = (message: FromKernel) => {
    reader.sent();
    say(message);
  };
  const reader = new Reader(
    { update: (update) => tell({ type: "update", update }), list: (list) => tell({ type: "runs", runs: list }) },
    () => Math.max(restMs, outlet.waitMs),
  );
  const orders = live.ordersOf("JupyterLab");
  const leave = () => {
    live.part(reader);
    outlet.close();
    pages.delete(comm);
  };
  live.join(reader);
  pages.set(comm, leave);
  comm.onClose(leave);
  comm.onMessage((content) => {
    const { data: message } = fromPage.safeParse(content);
    switch (message?.type) {
      case "subscribe":
        void live.subscribe(reader, message.to);
        break;
      case "unsubscribe":
        live.unsubscribe(reader, message.runId);
        break;
      case "taken":
        reader.taken(message.count);
        break;
      case "command": {
        const answer = (value: unknown) => say({ type: "answer", id: message.id, value });
        orders.take(message).then(answer, (error: unknown) => answer({ error: String(error) }));
        break;
      }
      case "browse": {
        const { id } = message;
        browser.ask(message.question).then(
          (value) => say({ type: "answer", id, value }),
          (error: unknown) =>
            say({
              type: "refusal",
              id,
              text: error instanceof LabError ? error.message : `It cannot be read: ${error}`,
            }),
        );
        break;
      }
    }
  });
  say({ type: "welcome" });
  const [oldest] = pages;
  if (!oldest || pages.size <= maxPages) return;
  const [other, leaveOther] = oldest;
  leaveOther();
  other.close();
}
