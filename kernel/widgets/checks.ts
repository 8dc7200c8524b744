import { inspect } from "node:util";

// What options of widgets have to be. Messages begin with the name of the function that the user called.

export function shown(value: unknown): string {
  return inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 5, maxStringLength: 80 });
}

/** @throws TypeError where `options` is no object or has a name that is not among `known` */
export function checkOptions(what: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${what}: the options are ${shown(options)}. Give an object: ${what}({ … }).`);
  }
  const stranger = Object.keys(options).find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw new TypeError(`${what}: there is no option "${stranger}". Known: ${known.join(", ")}.`);
  }
}

/** @throws TypeError where `value` is no finite number */
export function checkNumber(what: string, name: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new TypeError(`${what}: ${name} is ${shown(value)}. Give a finite number.`);
  }
  return value;
}

/** @throws TypeError or RangeError where `value` is no number above zero */
export function checkPositive(what: string, name: string, value: unknown): number {
  if (checkNumber(what, name, value) <= 0) {
    throw new RangeError(`${what}: ${name} is ${shown(value)}. Give a number above 0.`);
  }
  return value as number;
}

/** @throws TypeError where `value` is no text */
export function checkText(what: string, name: string, value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`${what}: ${name} is ${shown(value)}. Give a string.`);
  return value;
}

/** @throws TypeError where `value` is neither true nor false */
export function checkBoolean(what: string, name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new TypeError(`${what}: ${name} is ${shown(value)}. Give true or false.`);
  return value;
}

/** @throws TypeError where `value` is none of `allowed` */
export function checkOneOf<T extends string>(what: string, name: string, value: unknown, allowed: readonly T[]): T {
  if (!allowed.includes(value as T)) {
    const list = allowed.map((one) => `"${one}"`).join(", ");
    throw new TypeError(`${what}: ${name} is ${shown(value)}. Give one of ${list}.`);
  }
  return value as T;
}

/** @throws TypeError where `value` is no function */
export function checkFunction(what: string, name: string, value: unknown): void {
  if (typeof value !== "function") throw new TypeError(`${what}: ${name} is ${shown(value)}. Give a function.`);
}

/** Limits of a number. Both ends belong to the range. */
export interface Range {
  min: number;
  max: number;
}

/** @throws TypeError or RangeError where min is not below max */
export function checkRange(what: string, min: unknown, max: unknown): Range {
  const range = { min: checkNumber(what, "min", min), max: checkNumber(what, "max", max) };
  if (range.min >= range.max) {
    throw new RangeError(
      `${what}: min (${range.min}) is not below max (${range.max}). Give a smaller min or a larger max.`,
    );
  }
  return range;
}

/** @throws TypeError or RangeError where `value` is no number of the range */
export function checkInRange(what: string, name: string, value: unknown, { min, max }: Range): number {
  const number = checkNumber(what, name, value);
  if (number < min || number > max) {
    throw new RangeError(
      `${what}: ${name} ${number} is outside of ${min} to ${max}. Give a value inside, or other limits.`,
    );
  }
  return number;
}
