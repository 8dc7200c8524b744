import type { Place } from "../rollouts/explorer.ts";

/** Where the reader is among the runs; it stands in the page's address, so that places can be kept and sent. */
export type Route =
  | { readonly view: "list" }
  | { readonly view: "compare"; readonly paths: readonly string[] }
  | { readonly view: "run"; readonly path: string }
  | { readonly view: "step"; readonly path: string; readonly step: number; readonly place: Place };

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;

/** @returns undefined for an address that is about something else. */
export function parseRoute(hash: string): Route | undefined {
  const [, top, ...rest] = hash.split("/");
  let parts: string[];
  try {
    parts = rest.map(decodeURIComponent);
  } catch {
    return undefined;
  }
  if (top === "compare") return { view: "compare", paths: parts };
  if (top !== "runs") return undefined;
  const [path, step, group, sample, token] = parts;
  if (!path) return { view: "list" };
  const at = numberOf(step);
  if (at === undefined) return { view: "run", path };
  const place = {
    ...(numberOf(group) !== undefined && { group: numberOf(group)! }),
    ...(sample !== undefined && /^g?\d+$/.test(sample) && { sample }),
    ...(numberOf(token) !== undefined && { token: numberOf(token)! }),
  };
  return { view: "step", path, step: at, place };
}

export function routeHash(route: Route): string {
  const join = (...parts: (string | number)[]) => `#/${parts.map((part) => encodeURIComponent(part)).join("/")}`;
  switch (route.view) {
    case "list":
      return "#/runs";
    case "compare":
      return join("compare", ...route.paths);
    case "run":
      return join("runs", route.path);
    case "step": {
      const { group, sample, token } = route.place;
      const rest = [group, sample, token];
      const end = rest.findIndex((part) => part === undefined);
      return join("runs", route.path, route.step, ...(rest.slice(0, end < 0 ? 3 : end) as (string | number)[]));
    }
  }
}
