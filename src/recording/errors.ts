import { LabError } from "../base/errors.ts";

/** A run's folder is missing, damaged or of a newer version; nothing was changed. */
export class RecordingError extends LabError {
  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { code: "recording", hint, cause });
  }
}
