import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { CallTest, JsonValue } from "./reference.ts";

/** A program that calls the candidate's function once and prints the result, to be found again by its marker. */
export interface CallProgram {
  code: string;
  marker: string;
}

/**
 * The candidate with a call after it. The expected value is not in it: what the candidate patches or prints can only
 * change its own answer, and whoever finds the marker still has to know the value.
 */
export function callProgram(candidate: string, test: CallTest): CallProgram {
  const marker = randomBytes(16).toString("hex");
  const own = `_${marker}`;
  // JSON text in ASCII is a Python string literal when it is quoted once more.
  const given = JSON.stringify(ascii(JSON.stringify({ args: test.args, kwargs: test.kwargs })));
  const target = test.function.replace(".", "().");
  const code = `${candidate}
def ${own}():
    import json, sys
    def read(value):
        if isinstance(value, list):
            return [read(item) for item in value]
        if isinstance(value, dict):
            if set(value) == {"$int"}:
                return int(value["$int"])
            return {key: read(item) for key, item in value.items()}
        return value
    def written(value):
        if isinstance(value, bool) or value is None or isinstance(value, (str, float)):
            return value
        if isinstance(value, int):
            return int(value) if abs(value) < 2 ** 53 else {"$int": str(int(value))}
        if isinstance(value, (list, tuple)):
            return [written(item) for item in value]
        if isinstance(value, dict):
            return {str(key): written(item) for key, item in value.items()}
        raise TypeError("the result is a " + type(value).__name__ + ", which JSON does not have")
    given = json.loads(${given})
    result = ${target}(*read(given["args"]), **read(given["kwargs"]))
    sys.stdout.write("\\n${marker}" + json.dumps(written(result)) + "\\n")
${own}()
`;
  return { code, marker };
}

const ascii = (text: string): string =>
  text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** The value that the program printed; undefined where it did not print exactly one. */
export function returnedValue(stdout: string, marker: string): JsonValue | undefined {
  const parts = stdout.split(marker);
  if (parts.length !== 2) return undefined;
  try {
    return JSON.parse(parts[1]!.split("\n")[0]!) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Whether a returned value is the expected one, numbers within a relative error. */
export function sameValue(found: JsonValue, expected: JsonValue, tolerance: number): boolean {
  const [wholeFound, wholeExpected] = [wholeNumber(found), wholeNumber(expected)];
  if (wholeFound !== undefined && wholeExpected !== undefined && wholeFound === wholeExpected) return true;
  if (typeof found === "number" && typeof expected === "number")
    return Math.abs(found - expected) <= tolerance * Math.abs(expected);
  if (Array.isArray(found) && Array.isArray(expected))
    return found.length === expected.length && found.every((item, i) => sameValue(item, expected[i]!, tolerance));
  if (isObject(found) && isObject(expected)) {
    const keys = Object.keys(expected);
    return (
      keys.length === Object.keys(found).length &&
      keys.every((key) => Object.hasOwn(found, key) && sameValue(found[key]!, expected[key]!, tolerance))
    );
  }
  return isDeepStrictEqual(found, expected);
}

/** The integer that a value is, `{ "$int": digits }` among them. */
function wholeNumber(value: JsonValue): bigint | undefined {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : undefined;
  if (!isObject(value) || typeof value.$int !== "string" || !/^-?\d{1,5000}$/.test(value.$int)) return undefined;
  return Object.keys(value).length === 1 ? BigInt(value.$int) : undefined;
}

const isObject = (value: JsonValue): value is { [key: string]: JsonValue } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
