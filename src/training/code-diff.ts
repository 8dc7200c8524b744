import { partText, unifiedDiff } from "../parts/index.ts";
import type { Run } from "../recording/index.ts";
import { partsOfSetup } from "./parts/match-setup.ts";
import { readPart } from "./parts/part-files.ts";
import { partsNamedIn } from "./parts/places.ts";
import { readSetup } from "./run-folder.ts";

/** Code of the user's own in which two runs differ. */
export interface CodeDifference {
  /** What it is for: `reward`, `estimator`. */
  readonly kind: string;
  readonly name: string;
  /** Hash of the code that each run used; undefined where it used none of that name. */
  readonly a: string | undefined;
  readonly b: string | undefined;
  /** What changed from one to the other, as `diff -u` shows it: the code, what it reads, its options. */
  readonly diff: string;
}

/** Versions of one part, in the order in which a run used them. */
interface Used {
  readonly kind: string;
  readonly name: string;
  readonly hashes: string[];
}

/**
 * Parts of the users' own of which two runs did not use the same versions. Of several versions the first that differ are
 * compared.
 *
 * @throws RecordingError for a part whose file is missing or damaged.
 */
export async function codeDifferences(a: Run, b: Run): Promise<CodeDifference[]> {
  const [left, right] = [await usedIn(a), await usedIn(b)];
  const differences: CodeDifference[] = [];
  for (const key of [...new Set([...left.keys(), ...right.keys()])].sort()) {
    const { kind, name } = (left.get(key) ?? right.get(key))!;
    const [ours, theirs] = [left.get(key)?.hashes ?? [], right.get(key)?.hashes ?? []];
    const at = Array.from({ length: Math.max(ours.length, theirs.length) }, (_, i) => i).find(
      (i) => ours[i] !== theirs[i],
    );
    if (at === undefined) continue;
    // Where one run went through more versions, the last that the other had is what they are compared with.
    const [from, to] = [ours[at] ?? ours.at(-1), theirs[at] ?? theirs.at(-1)];
    const diff = unifiedDiff(await textOf(a, name, from), await textOf(b, name, to), {
      from: titleOf("a", name, from),
      to: titleOf("b", name, to),
    });
    differences.push({ kind, name, a: from, b: to, diff });
  }
  return differences;
}

const titleOf = (side: string, name: string, hash: string | undefined): string =>
  hash === undefined ? `${side}: none` : `${side}: ${name} ${hash.slice(0, 12)}`;

const textOf = async (run: Run, own: string, hash: string | undefined): Promise<string> =>
  hash === undefined ? "" : partText(await readPart(run.folder, { own, hash }));

/** Every version of every part that a run began with or came to use, on the way to where it stands. */
async function usedIn(run: Run): Promise<Map<string, Used>> {
  const { changes, partChanges } = await run.timeline();
  const used = new Map<string, Used>();
  const note = (kind: string, name: string, hash: string) => {
    const key = `${kind} ${name}`;
    const { hashes } = used.get(key) ?? used.set(key, { kind, name, hashes: [] }).get(key)!;
    if (hashes.at(-1) !== hash) hashes.push(hash);
  };
  const { setup, config } = run.config;
  const first = setup?.kind === "trainer" ? partsOfSetup(readSetup(run.config)) : [];
  for (const { kind, reference } of [...first, ...partsNamedIn(config)]) note(kind, reference.own, reference.hash);
  for (const { changes: settings } of changes)
    for (const { kind, reference } of partsNamedIn(settings)) note(kind, reference.own, reference.hash);
  for (const { kind, name, to } of partChanges) note(kind, name, to);
  return used;
}
