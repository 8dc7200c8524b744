/** Cookies of a `Cookie` header by name; of several with one name the last wins, as browsers' Jupyter code expects. */
export function parseCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const part of (header ?? "").split(";")) {
    const equals = part.indexOf("=");
    if (equals > 0) cookies.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  return cookies;
}

export interface CookieOptions {
  /** The addresses that get it: this one and all below. */
  path: string;
  httpOnly?: boolean;
  secure?: boolean;
  maxAgeSeconds?: number;
}

/** A `Set-Cookie` value; the cookie is not sent along with requests that other sites start. */
export function serializeCookie(name: string, value: string, options: CookieOptions): string {
  const parts = [`${name}=${value}`, `Path=${options.path}`, "SameSite=Lax"];
  if (options.httpOnly) parts.push("HttpOnly");
  if (options.secure) parts.push("Secure");
  if (options.maxAgeSeconds !== undefined) parts.push(`Max-Age=${options.maxAgeSeconds}`);
  return parts.join("; ");
}
