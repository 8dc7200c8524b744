import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { InvalidInputError } from "../../src/base/errors.ts";
import { writeFileAtomic } from "../../src/base/files.ts";
import { fingerprint } from "./secrets.ts";

/** Cost of one guess: 128 MB of memory and some tenths of a second (RFC 7914; OWASP's recommendation of 2023). */
const cost = { N: 2 ** 17, r: 8, p: 1 };
const hashBytes = 32;

/** Shorter ones are guessed too soon. */
export const minPasswordLength = 8;

const schema = z.object({
  algorithm: z.literal("scrypt"),
  // Bounds, so that a damaged file cannot ask for all memory there is.
  N: z
    .int()
    .min(2 ** 14)
    .max(2 ** 20),
  r: z.int().min(1).max(16),
  p: z.int().min(1).max(4),
  salt: z.base64(),
  hash: z.base64(),
});
type PasswordHash = z.infer<typeof schema>;

/** The user's password, kept as its hash in `password.json` of the user folder; it counts from the moment it is written. */
export class PasswordFile {
  readonly path: string;
  #known: { version: string; hash: PasswordHash | undefined; stamp: string } | undefined;
  /** One guess at a time: each takes 128 MB. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.path = join(folder, "password.json");
  }

  get isSet(): boolean {
    return this.#read().hash !== undefined;
  }

  /** Another text after every change of the password; empty while there is none. */
  get stamp(): string {
    return this.#read().stamp;
  }

  /** Whether this is the password; never when there is none. */
  matches(given: string): Promise<boolean> {
    const { hash } = this.#read();
    if (!hash) return Promise.resolve(false);
    const checked = this.#queue.then(async () => {
      const expected = Buffer.from(hash.hash, "base64");
      const actual = await derive(given, Buffer.from(hash.salt, "base64"), expected.length, hash);
      return timingSafeEqual(actual, expected);
    });
    this.#queue = checked.catch(() => undefined);
    return checked;
  }

  /** @throws InvalidInputError when it is too short. */
  async set(password: string): Promise<void> {
    if (password.length < minPasswordLength)
      throw new InvalidInputError(
        `A password has at least ${minPasswordLength} characters; this one has ${password.length}.`,
      );
    const salt = randomBytes(16);
    const hash = await derive(password, salt, hashBytes, cost);
    const kept: PasswordHash = {
      algorithm: "scrypt",
      ...cost,
      salt: salt.toString("base64"),
      hash: hash.toString("base64"),
    };
    await writeFileAtomic(this.path, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
  }

  /** @returns whether there was one. */
  async remove(): Promise<boolean> {
    const was = this.isSet;
    await rm(this.path, { force: true });
    return was;
  }

  /** Reads the file again when it has changed, so that a new password ends old sessions at once. */
  #read(): { hash: PasswordHash | undefined; stamp: string } {
    const info = statSync(this.path, { throwIfNoEntry: false });
    const version = info ? `${info.ino} ${info.mtimeMs} ${info.size}` : "";
    if (this.#known?.version !== version) {
      const text = info ? readFileSync(this.path, "utf8") : undefined;
      const hash = text === undefined ? undefined : parse(text, this.path);
      this.#known = { version, hash, stamp: text === undefined ? "" : fingerprint(text).toString("hex") };
    }
    return this.#known;
  }
}

function parse(text: string, path: string): PasswordHash {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new InvalidInputError(`${path} is damaged.`, "Set the password again: cirlab password");
  }
}

function derive(
  password: string,
  salt: Buffer,
  length: number,
  { N, r, p }: { N: number; r: number; p: number },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The same text typed on two systems may be composed of other characters.
    scrypt(password.normalize("NFKC"), salt, length, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
