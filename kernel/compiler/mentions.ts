/** One place of a cell's code where a name of the notebook stands. */
export interface Mention {
  name: string;
  /** What the code around asks for: a function that is called gets no `this`, `{ a }` needs its key, and so on. */
  place: "value" | "callee" | "shorthand" | "typeof";
  isSet: boolean;
  /** An assignment to a constant, or to a name that nobody declared when the cell was compiled. */
  refusal?: "constant" | "declared";
  /** A local variable that stands for the name inside a loop. */
  local?: string;
}

/** The code that stands for the name. */
export function mentionText({ name, place, refusal, local }: Mention): string {
  const target = local ?? (refusal ? `__kernel.${refusal}(${JSON.stringify(name)}).${name}` : `exports.${name}`);
  switch (place) {
    case "value":
      return target;
    case "callee":
      return local ?? `(0,${target})`;
    case "shorthand":
      return `${name}:${target}`;
    case "typeof":
      return local ?? `(${JSON.stringify(name)} in exports?${target}:void 0)`;
  }
}
