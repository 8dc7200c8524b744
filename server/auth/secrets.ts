import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** 192 random bits as hexadecimal text: fit for URLs, headers and cookies. */
export function randomSecret(): string {
  return randomBytes(24).toString("hex");
}

/** A fingerprint under which a secret can be kept or compared without keeping the secret. */
export function fingerprint(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

/** Whether two secrets are equal; takes the same time wherever they differ. */
export function equalSecrets(given: string, expected: string): boolean {
  return timingSafeEqual(fingerprint(given), fingerprint(expected));
}
