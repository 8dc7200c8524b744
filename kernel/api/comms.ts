import { LabError } from "../../src/base/errors.ts";
import { type Comm, type CommBuffer, host, type JupyterHost } from "../../src/display/host.ts";

export interface OpenCommOptions {
  /** Metadata of the opening message, as some protocols want it. */
  metadata?: Record<string, unknown>;
  /** Binary data that goes with the opening message. */
  buffers?: readonly CommBuffer[];
}

function notebook(): JupyterHost {
  const found = host();
  if (found) return found;
  throw new LabError("Channels need the page of a notebook.", {
    code: "no-notebook",
    hint: "This code does not run in a notebook's cell.",
  });
}

/**
 * Opens a channel to code in the page (Jupyter's comm protocol).
 *
 * @param target name under which the page knows that code. If it knows none, the page closes the channel.
 * @param data JSON data for it. Default `{}`.
 * @throws LabError outside of a notebook.
 * @example
 * const comm = openComm("my-viewer", { rows: 10 });
 * comm.onMessage((data, buffers) => console.log(data, buffers.length));
 * comm.send({ offset: 0 }, [new Float32Array([1, 2, 3])]);
 */
export function openComm(target: string, data: unknown = {}, { metadata, buffers }: OpenCommOptions = {}): Comm {
  return notebook().openComm(target, data, metadata, buffers);
}

/**
 * Calls `opened` for each channel that code in the page opens to `target`, with the data of its opening message.
 *
 * @throws LabError outside of a notebook.
 */
export function registerTarget(
  target: string,
  opened: (comm: Comm, data: unknown, buffers: Uint8Array[]) => void,
): void {
  notebook().registerTarget(target, opened);
}
