import { RecordingError } from "./errors.ts";
import { eventEnvelopeSchema, isKnownEventType, type RecordedEvent, runEventSchema } from "./messages.ts";

/**
 * A line of `events.jsonl` as an event; undefined where it is of a type that this version does not know.
 *
 * @param where names the line in the error.
 * @throws RecordingError for a line that is no event.
 */
export function readEvent(line: unknown, where: string): RecordedEvent | undefined {
  const envelope = eventEnvelopeSchema.safeParse(line);
  if (envelope.success && !isKnownEventType(envelope.data.type)) return undefined;
  const event = runEventSchema.safeParse(line);
  if (envelope.success && event.success) return { seq: envelope.data.seq, time: envelope.data.time, ...event.data };
  const issue = (envelope.error ?? event.error)?.issues[0];
  throw new RecordingError(`${where} is damaged: ${issue?.path.join(".") || "event"}: ${issue?.message}.`);
}
