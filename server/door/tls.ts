import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { InvalidInputError } from "../../src/base/errors.ts";

/** A certificate (with those between it and its root) and its private key, as PEM text. */
export interface TlsPair {
  cert: string;
  key: string;
}

/**
 * Reads a certificate and its key.
 *
 * @param keyFile the certificate's file by default, which may hold both.
 * @throws InvalidInputError when a file cannot be read, is not PEM, has expired, or the two do not belong together.
 */
export async function readTlsPair(certFile: string, keyFile = certFile): Promise<TlsPair> {
  const cert = await read(certFile, "certificate");
  const key = await read(keyFile, "private key");
  const certificate = parsed(() => new X509Certificate(cert), `${certFile} holds no certificate in PEM form.`);
  const privateKey = parsed(
    () => createPrivateKey(key),
    `${keyFile} holds no private key in PEM form that opens without a passphrase.`,
  );
  if (!certificate.checkPrivateKey(privateKey))
    throw new InvalidInputError(`The key in ${keyFile} is not that of the certificate in ${certFile}.`);
  if (new Date(certificate.validTo) < new Date())
    throw new InvalidInputError(`The certificate in ${certFile} ended on ${certificate.validTo}.`);
  parsed(() => createSecureContext({ cert, key }), `The certificate in ${certFile} cannot be used.`);
  return { cert, key };
}

function parsed<T>(parse: () => T, problem: string): T {
  try {
    return parse();
  } catch (error) {
    throw new InvalidInputError(problem, undefined, error);
  }
}

async function read(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new InvalidInputError(`The ${what} ${file} cannot be read: ${(error as Error).message}`, undefined, error);
  }
}
