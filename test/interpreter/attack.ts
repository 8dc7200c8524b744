import type { ExecutionStatus } from "../../src/interpreter/index.ts";

/** What of the host an attack is aimed at. */
export interface AttackTarget {
  /** A file of the host that holds "TOP SECRET". */
  secret: string;
  /** A folder of the host that the driver can write to. */
  folder: string;
  /** A TCP server on the loopback interface. */
  port: number;
  /** The driver's process. */
  pid: number;
}

/** A hostile snippet. It prints LEAK where it got what it wanted; `core` ones are in the quick tests (of the jail alone: `"jail"`). */
export interface Attack {
  name: string;
  core?: true | "jail";
  code: string;
  /** The status that it must end with, where that is the same on every engine. */
  ends?: ExecutionStatus;
  /** What runs after it beside the ordinary snippet. */
  after?: { code: string; stdout: string };
}
