/** What an error of the lab says beside its message. */
export interface LabErrorOptions {
  /** Stable, machine-readable name of the problem, for example `"invalid-input"`. */
  code: string;
  /** What the user can do about it, as one sentence. */
  hint?: string;
  /** The error that caused this one. */
  cause?: unknown;
}

/**
 * Base class of every error that the lab throws on purpose. The message says what was wrong and with which value;
 * `hint` says what to do.
 */
export class LabError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(message: string, options: LabErrorOptions) {
    super(options.hint ? `${message} ${options.hint}` : message, { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.hint = options.hint;
  }
}

/** A value given by the user was refused at the door; nothing has changed. */
export class InvalidInputError extends LabError {
  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { code: "invalid-input", hint, cause });
  }
}

/** A device is unknown, missing, or was handed a tensor of another device. */
export class DeviceError extends LabError {
  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { code: "device", hint, cause });
  }
}

/** A checkpoint is incomplete, damaged or of another model; nothing was loaded. */
export class CheckpointError extends LabError {
  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { code: "checkpoint", hint, cause });
  }
}

/** A dataset or one of its rows cannot be used. */
export class DatasetError extends LabError {
  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { code: "dataset", hint, cause });
  }
}

/** A jail, worker or process failed; never a property of the code or answer that it was handling. */
export class InfrastructureError extends LabError {
  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { code: "infrastructure", hint, cause });
  }
}

/** Something that must always hold did not; the message names the rollout, tensor or file. */
export class InvariantError extends LabError {
  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { code: "invariant", hint, cause });
  }
}

/** Work was stopped by the user at a safe point; the state is consistent and the work can go on. */
export class InterruptedError extends LabError {
  constructor(message = "Interrupted.", hint?: string, cause?: unknown) {
    super(message, { code: "interrupted", hint, cause });
  }
}

/** A session cannot go on, because an earlier cell of it was ended from outside; the message says which and why. */
export class SessionLostError extends LabError {
  constructor(message: string, hint?: string) {
    super(message, { code: "session-lost", hint });
  }
}
