import { createHash } from "node:crypto";
import { InvalidInputError } from "../base/errors.ts";
import { displaySymbol } from "../display/host.ts";
import { html, type MimeBundle } from "../display/index.ts";
import { codeOf } from "./captured.ts";
import { functionCode } from "./function-code.ts";
import { type PartRecord, type PartReference, partText } from "./record.ts";

/** What a user can bring. */
export const partKinds = ["reward", "task family", "filter", "estimator", "objective", "guard", "schedule"] as const;
export type PartKind = (typeof partKinds)[number];

/** Options that every part takes. */
export interface PartOptions {
  /**
   * Functions and plain data that the code reads from outside itself, by the names that it has for them: they are
   * recorded with it, and count in its hash. In a notebook names of cells are found without it; what a function closes
   * over (a parameter of a function around it) and everything outside of a notebook are not.
   */
  readonly uses?: Readonly<Record<string, unknown>>;
}

/** What a part is made of. */
export interface PartMaterial {
  readonly name: string;
  /** Its functions by what they are for; one that is alone is called `code`. */
  readonly functions: Readonly<Record<string, object>>;
  readonly uses?: Readonly<Record<string, unknown>> | undefined;
  /** What else decides what it does, as JSON. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/**
 * A part of a training that is the user's own code. Its text, what it reads and a hash of both are recorded with a run,
 * and a run is taken up again only with the same code.
 *
 * Recorded are: the code, without types; in a notebook functions and plain data of other cells that it reads, as they
 * were when the part was made; what `uses` names; and of what was imported the module's name, with a hash of each of the
 * user's own files that were loaded for it. The hash leaves out layout and comments, of the part's own code. Not covered
 * are the code of packages, modules of parts that are written outside of a notebook, instances of classes (a policy, a
 * grader), variables that a function closes over and `uses` does not name, and data that change later: `unrecorded` lists
 * the names of which nothing is known.
 */
export class Part {
  readonly kind: PartKind;
  readonly name: string;
  /** SHA-256 over its code, what that reads and its options. */
  readonly hash: string;
  readonly record: PartRecord;
  /** Its functions, to tell a part that was made again from the same code. */
  readonly functions: readonly object[];

  constructor(kind: PartKind, { name, functions, uses = {}, options = {} }: PartMaterial) {
    checkName(kind, name);
    const what = `the ${kind} ${JSON.stringify(name)}`;
    const { functions: codes, captured, unrecorded } = codeOf(functions, uses, what);
    this.kind = kind;
    this.name = name;
    this.functions = Object.values(functions);
    const meaning = {
      kind,
      functions: sorted(codes, ({ meaning }) => meaning),
      captured: sorted(captured, (one) =>
        one.kind === "function" ? functionCode(one.source, what).meaning : { ...one },
      ),
      options: sorted(options, (value) => value),
    };
    this.hash = createHash("sha256").update(JSON.stringify(meaning)).digest("hex");
    const sources = Object.fromEntries(Object.entries(codes).map(([label, { text }]) => [label, text.split("\n")]));
    this.record = { kind, name, hash: this.hash, functions: sources, captured, unrecorded, options };
  }

  /** Names that the code reads and of which nothing is recorded. */
  get unrecorded(): readonly string[] {
    return this.record.unrecorded;
  }

  /** What a configuration says in its place. */
  toJSON(): PartReference {
    return { own: this.name, hash: this.hash };
  }

  [displaySymbol](): MimeBundle {
    const head = `${this.kind} ${this.name} (${this.hash.slice(0, 12)})`;
    const text = partText(this.record);
    const markup = html`<div><b>${this.kind}</b> ${this.name} <code>${this.hash.slice(0, 12)}</code><pre>${text}</pre></div>`;
    return { "text/plain": `${head}\n${text}`, "text/html": String(markup) };
  }
}

function checkName(kind: PartKind, name: unknown): asserts name is string {
  if (typeof name === "string" && /^[\p{L}_$][\p{L}\p{N}_$ .:+-]{0,79}$/u.test(name)) return;
  const problem = name === "" ? "has no name" : `cannot be called ${JSON.stringify(name)}`;
  throw new InvalidInputError(
    `A ${kind} of your own ${problem}.`,
    `Give a name of letters, digits, "-", "_", "." and spaces: a named function, or ${maker[kind]}("name", ...).`,
  );
}

const maker: Record<PartKind, string> = {
  reward: "reward",
  "task family": "taskFamily",
  filter: "filter",
  estimator: "estimator",
  objective: "objective",
  guard: "guard",
  schedule: "schedule",
};

/** Entries in the order of their names: the order in which they were given says nothing. */
function sorted<T>(entries: Readonly<Record<string, T>>, value: (one: T) => unknown): unknown {
  return Object.keys(entries)
    .sort()
    .map((name) => [name, value(entries[name]!)]);
}
