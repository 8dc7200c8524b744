import type { IOutput } from "@jupyterlab/nbformat";
import type { KernelMessage } from "@jupyterlab/services";

/** A page asks for the cells that run, on the control channel of its kernel's websocket. */
export const followRequest = "cirlab_follow_request";
/** Broadcast to the followers: another client runs a cell. Comes before anything that the kernel says of it. */
export const cellStarted = "cirlab_cell_started";
/** A page tells that a person cleared a cell's outputs. */
export const cellCleared = "cirlab_cell_cleared";

/** A run of a cell as the server tells it. */
export interface FollowedCell {
  message_id: string;
  cell_id: string;
  state: "waiting" | "running" | "ended";
  /** Whether the notebook's file lacks something of it. */
  unsaved: boolean;
  execution_count: number | null;
  /** The last stream may end with a carriage return and characters again: where its next character belongs. */
  outputs: IOutput[];
  displays: [id: string, indices: number[]][];
  clear_next: boolean;
  timing: Record<string, string> | null;
  /** When the server was restarted meanwhile: a text in the outputs; what stands before it, this page may know better. */
  gap: string | null;
  input_request: KernelMessage.IInputRequestMsg | null;
  reply: KernelMessage.IExecuteReplyMsg | null;
}
