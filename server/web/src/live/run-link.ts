import type { ISignal } from "@lumino/signaling";
import type { CommandReply, RunListing, RunUpdate, Subscription } from "../../../../src/live/messages.ts";
import type { CommandInput } from "../../../../src/recording/messages.ts";

/** What a page hears of runs over, and steers them over: a server's live channel, or a notebook's kernel. */
export interface RunLink {
  /** Why there is no connection, in a few words; undefined while there is one. */
  readonly trouble: string | undefined;
  /** The connection was made or lost. Whoever follows something says so again on a new one. */
  readonly changed: ISignal<RunLink, void>;
  readonly updated: ISignal<RunLink, RunUpdate>;
  readonly listed: ISignal<RunLink, readonly RunListing[]>;
  /** It may come only after a run has begun: the runs of its first list are news. */
  readonly isLate: boolean;
  /** Connects, if it does not yet; called whenever somebody begins to follow something. */
  open(): void;
  /** Somebody looks: what takes the kernel's time is done now. */
  wake(): void;
  /** @param to a run, from an event on, or `"*"` for the list. Only on a connection. */
  subscribe(to: string | Subscription): void;
  unsubscribe(runId: string): void;
  /** @throws Error where nobody answers. */
  command(runId: string, command: CommandInput): Promise<CommandReply>;
}
