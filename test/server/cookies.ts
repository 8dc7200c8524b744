import type { TestServer } from "./server.ts";

/** Name and value of each cookie that an answer sets. */
export function cookiesOf(response: Response): Record<string, string> {
  return Object.fromEntries(
    response.headers.getSetCookie().map((cookie) => {
      const [pair] = cookie.split(";", 1);
      const equals = pair!.indexOf("=");
      return [pair!.slice(0, equals), pair!.slice(equals + 1)];
    }),
  );
}

export const cookieHeader = (cookies: Record<string, string>): string =>
  Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join("; ");

/** The cookies of a browser that visited with the token. */
export async function visit(server: TestServer): Promise<Record<string, string>> {
  return cookiesOf(await server.raw(`/tree?token=${server.token}`));
}
