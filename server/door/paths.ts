/** Text of a URL's path with its escapes taken away; undefined when they are not valid. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const climbs = (path: string): boolean => path.split(/[/\\]/).includes("..");

/**
 * What is wrong with the path of an address, whatever it is for: nothing that the server has is reached through `..`, NUL
 * or broken escapes. Also if the path were decoded twice, so that it does not matter how often anyone does it.
 */
export function pathProblem(path: string): { status: number; message: string } | undefined {
  if (!path.startsWith("/")) return { status: 400, message: "The address is not a path." };
  const once = decoded(path);
  if (once === undefined) return { status: 400, message: "The address has a broken % escape." };
  const twice = decoded(once) ?? once;
  if (climbs(once) || climbs(twice)) return { status: 404, message: "The path is outside root contents directory" };
  if (once.includes("\0") || twice.includes("\0")) return { status: 404, message: "No file has NUL in its name." };
  return undefined;
}
