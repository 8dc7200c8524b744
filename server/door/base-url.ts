import type { RequestHandler } from "express";
import { InvalidInputError } from "../../src/base/errors.ts";

/**
 * The address under which the server is reached, with slashes at both ends.
 *
 * @throws InvalidInputError when it is not a plain path.
 */
export function parseBaseUrl(given: string): string {
  const names = given.split("/").filter((name) => name !== "");
  const wrong = names.find((name) => !/^[\w.~@%+-]+$/.test(name) || name === "." || name === "..");
  if (wrong !== undefined)
    throw new InvalidInputError(`The base URL must be a path as /user/name/, not ${JSON.stringify(given)}.`);
  return names.length === 0 ? "/" : `/${names.join("/")}/`;
}

/** Addresses that answers name (redirects, `Location`) are those inside the server; here the base URL comes before them. */
export function locateUnder(baseUrl: string): RequestHandler {
  return (_request, response, next) => {
    const location = response.location.bind(response);
    response.location = (url: string) => location(/^\/(?!\/)/.test(url) ? baseUrl + url.slice(1) : url);
    next();
  };
}
