import { basename, join } from "node:path";
import { InvalidInputError, LabError } from "../base/errors.ts";
import { listRuns } from "../recording/index.ts";

/**
 * A run's folder by its id, the unique beginning of one, or its path.
 *
 * @param folder where runs lie.
 */
export async function findRun(name: string | undefined, folder: string): Promise<string> {
  if (!name) throw new InvalidInputError("Which run? Its id is missing.");
  if (/[\\/]/.test(name)) return name;
  const names = (await listRuns(folder)).map((run) => basename(run.folder));
  const fitting = names.includes(name) ? [name] : names.filter((one) => one.startsWith(name));
  if (fitting.length === 1) return join(folder, fitting[0]!);
  const which = fitting.length ? `${fitting.join(", ")} begin with it` : `there are ${names.join(", ") || "none"}`;
  throw new LabError(`"${name}" names no single run of ${folder}: ${which}.`, { code: "recording" });
}
