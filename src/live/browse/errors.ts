import { LabError } from "../../base/errors.ts";

/** What was asked of recorded runs cannot be answered; `code` says why. */
export class BrowseError extends LabError {
  /** @param code `not-found`; `unreadable`: damaged, or it takes too long. */
  constructor(code: "not-found" | "unreadable", message: string) {
    super(message, { code });
  }
}
