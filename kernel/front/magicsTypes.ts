import type { NameEntry } from "../session/magics.ts";

/** Of so many names the types are asked for; the others show what their values are. */
const maxAsked = 200;
const maxType = 40;

/**
 * The types of names as TypeScript knows them, else what their values are.
 *
 * @param signature what the name at an offset of a text is, as the compiler tells it.
 */
export async function typesOf(
  entries: readonly NameEntry[],
  signature: (code: string, offset: number) => Promise<string | undefined>,
): Promise<string[]> {
  const code = entries.map(({ name }) => `${name};`).join("\n");
  const types: string[] = [];
  let offset = 0;
  for (const [i, { name, kind }] of entries.entries()) {
    const told = i < maxAsked ? await signature(code, offset) : undefined;
    const type = (told && typeIn(told, name)) ?? kind;
    types.push(type.length > maxType ? `${type.slice(0, maxType - 1)}…` : type);
    offset += name.length + 2;
  }
  return types;
}

/** `const x: number` tells `number`, `function f(a: string): void` tells `(a: string) => void`. */
function typeIn(signature: string, name: string): string | undefined {
  const text = signature.replace(/\s+/g, " ").replace(/^\([a-z ]+\) /, "");
  const value = /^(?:const|let|var|import) ([^\s:]+): (.+)$/.exec(text);
  if (value && value[1] === name) return value[2] === "any" ? undefined : value[2];
  const callable = /^function (?:[^\s(<]+)(.*\)): ([^:]+)$/.exec(text);
  if (callable) return `${callable[1]} => ${callable[2]}`;
  return /^class /.test(text) ? "class" : undefined;
}
