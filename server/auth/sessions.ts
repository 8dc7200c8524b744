import { createHmac, randomBytes } from "node:crypto";
import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../src/base/files.ts";
import { equalSecrets } from "./secrets.ts";

/** How long a browser stays logged in. */
export const sessionLifeMs = 30 * 24 * 3600 * 1000;

/** Nonces of sessions that were ended before their time, and when they would have ended by themselves. */
const endedSchema = z.record(z.string(), z.number());

/**
 * Session cookies that outlive the server: `nonce.end.signature`, signed with a key of the user folder. What a cookie is
 * good for is signed with it and not in it: the server's name for it (with its port) and the stamp of the credentials,
 * so that a changed password ends all sessions. A logout is remembered on disk until the session would have ended.
 */
export class SessionCookies {
  readonly #key: string;
  readonly #endedFile: string;
  readonly #ended: Map<string, number>;

  private constructor(key: string, endedFile: string, ended: Map<string, number>) {
    this.#key = key;
    this.#endedFile = endedFile;
    this.#ended = ended;
  }

  /** @param folder the user's folder; the key is made at the first use. */
  static async open(folder: string): Promise<SessionCookies> {
    const endedFile = join(folder, "ended-sessions.json");
    return new SessionCookies(await loadKey(folder), endedFile, await loadEnded(endedFile));
  }

  issue(purpose: string): string {
    const session = `${randomBytes(18).toString("base64url")}.${(Date.now() + sessionLifeMs).toString(36)}`;
    return `${session}.${this.#sign(session, purpose)}`;
  }

  isValid(cookie: string, purpose: string): boolean {
    const { session, signature, nonce, end } = partsOf(cookie);
    if (!equalSecrets(signature, this.#sign(session, purpose))) return false;
    return end > Date.now() && !this.#ended.has(nonce);
  }

  /** Ends a valid session for good. */
  async end(cookie: string): Promise<void> {
    const { nonce, end } = partsOf(cookie);
    this.#ended.set(nonce, end);
    // Another server of this user may have written meanwhile.
    for (const [other, at] of await loadEnded(this.#endedFile)) this.#ended.set(other, at);
    for (const [other, at] of this.#ended) if (at <= Date.now()) this.#ended.delete(other);
    await writeFileAtomic(this.#endedFile, JSON.stringify(Object.fromEntries(this.#ended)), { mode: 0o600 });
  }

  #sign(session: string, purpose: string): string {
    return createHmac("sha256", this.#key).update(`${purpose}\n${session}`).digest("base64url");
  }
}

function partsOf(cookie: string): { session: string; signature: string; nonce: string; end: number } {
  const [nonce = "", end = "", signature = ""] = cookie.split(".");
  return { session: `${nonce}.${end}`, signature, nonce, end: Number.parseInt(end, 36) };
}

async function loadKey(folder: string): Promise<string> {
  const path = join(folder, "session-key");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    // Only the first of two servers that start at once makes it.
    const file = await open(path, "wx", 0o600);
    const key = randomBytes(32).toString("hex");
    await file.writeFile(key);
    await file.close();
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const known = await readFile(path, "utf8");
  if (/^[0-9a-f]{64}$/.test(known)) return known;
  const key = randomBytes(32).toString("hex");
  await writeFileAtomic(path, key, { mode: 0o600 });
  return key;
}

async function loadEnded(file: string): Promise<Map<string, number>> {
  try {
    return new Map(Object.entries(endedSchema.parse(JSON.parse(await readFile(file, "utf8")))));
  } catch {
    return new Map();
  }
}
