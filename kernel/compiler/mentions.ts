/** One place of a cell's code where a name of the notebook stands. */
export interface Mention {
  name: string;
  /** What the code around asks for: a function that is called gets no `this`, `{ a }` needs its key, and so on. */
  place: "value" | "callee" | "shorthand" | "typeof";
  isSet: boolean;
  /** A cell has declared it; otherwise a later one may do so, or it is a global. */
  isKnown: boolean;
  /** An assignment to a constant, or to a name that nobody declared when the cell was compiled. */
  refusal?: "constant" | "declared";
  /** A local variable that stands for the name inside a loop. */
  local?: string;
}

/** The code that stands for the name. */
export function mentionText({ name, place, refusal, local, isKnown }: Mention): string {
  const quoted = JSON.stringify(name);
  const read = isKnown ? `exports.${name}` : `__kernel.read(${quoted})`;
  const target = local ?? (refusal ? `__kernel.${refusal}(${quoted}).${name}` : read);
  switch (place) {
    case "value":
      return target;
    case "callee":
      return local ?? `(0,${target})`;
    case "shorthand":
      return `${name}:${target}`;
    case "typeof":
      return isKnown ? target : `(__kernel.has(${quoted})?${target}:void 0)`;
  }
}
