/** What the guest's world asks of its host; strings and numbers only, but for a promise's state. */
export interface GuestHost {
  /** Calls a method of the console with arguments in the encoding of `guestEncoder`. */
  print(method: string, args: string): void;
  /** The real time in milliseconds since 1970. */
  now(): number;
  /** `[0]` pending, `[1, value]` fulfilled, `[2, reason]` rejected. */
  promiseState(promise: unknown): [0 | 1 | 2, unknown?];
}
