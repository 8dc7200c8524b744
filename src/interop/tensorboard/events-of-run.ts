import type { RecordedEvent, RunConfig } from "../../recording/index.ts";
import { encodeEvent, type TensorBoardEvent } from "./event.ts";
import { tfRecord } from "./record.ts";

/** What every file begins with: the format's version, and the run's settings as text. */
export function openingOf(config: RunConfig): Uint8Array {
  const wallTime = Date.parse(config.createdAt) / 1000;
  const { id, seed, versions, parent } = config;
  const about = { run: id, seed, ...(parent && { parent: `${parent.id} at step ${parent.step}` }), ...versions };
  return records([
    { wallTime, step: 0, fileVersion: "brain.Event:2" },
    { wallTime, step: 0, texts: { run: markdownTable(about), settings: markdownTable(config.config) } },
  ]);
}

/** A run's events as records: metrics are scalars; alerts, changed settings and notes are texts. */
export function recordsOf(events: readonly RecordedEvent[]): Uint8Array {
  return records(events.flatMap((event) => entryOf(event) ?? []));
}

function entryOf(event: RecordedEvent): TensorBoardEvent | undefined {
  const wallTime = event.time / 1000;
  switch (event.type) {
    case "step":
      return { wallTime, step: event.step, scalars: tagged("train", event.metrics) };
    case "evaluation":
      return { wallTime, step: event.step, scalars: tagged(`evaluation/${event.label}`, event.metrics) };
    case "alert":
      return {
        wallTime,
        step: event.step,
        texts: { alerts: event.hint ? `${event.text}\n\n${event.hint}` : event.text },
      };
    case "config":
      return { wallTime, step: event.step, texts: { "settings/changed": markdownTable(event.changes) } };
    case "course":
      return { wallTime, step: event.step, texts: { course: event.text } };
    case "rewound":
      return { wallTime, step: event.step + 1, restarts: true };
    default:
      return undefined;
  }
}

/** A number that JSON could not hold was recorded as null: TensorBoard shows it as not a number. */
const tagged = (group: string, metrics: Readonly<Record<string, number | null>>): Record<string, number> =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${group}/${name}`, value ?? Number.NaN]));

function markdownTable(values: Readonly<Record<string, unknown>>): string {
  const cell = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value)).replaceAll("|", "\\|");
  const rows = Object.entries(values).map(([name, value]) => `| ${name} | ${cell(value ?? null)} |`);
  return ["| name | value |", "|---|---|", ...rows].join("\n");
}

function records(entries: readonly TensorBoardEvent[]): Uint8Array {
  return Buffer.concat(entries.map((entry) => tfRecord(encodeEvent(entry))));
}
