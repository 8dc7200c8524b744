import { basename, join } from "node:path";
import { readRunConfig } from "../../recording/config.ts";
import { CheckpointStore, Run, type RunConfig, runSize, type Standing } from "../../recording/index.ts";
import { leadingMetric, type MetricColumns, metricColumns } from "./metrics.ts";
import { type OtherEvent, RunLog } from "./run-log.ts";

/** A run in the list. */
export interface RunRow {
  /** The run's folder, below the served one. */
  readonly path: string;
  readonly id: string;
  readonly name: string;
  /** ISO 8601, UTC; null where it cannot be read. */
  readonly createdAt: string | null;
  readonly state: Standing | "damaged";
  readonly isTrained: boolean;
  /** Why it is damaged, or what failed. */
  readonly problem?: string;
  /** Steps taken. */
  readonly step: number;
  readonly alerts: number;
  /** What it learns by: its last value, and its course in at most sixty points. */
  readonly metric?: { readonly name: string; readonly last: number; readonly course: readonly (number | null)[] };
  /** Unix time of the last event in milliseconds. */
  readonly lastTime?: number;
  readonly bytes: number;
  readonly parent?: { readonly id: string; readonly step: number };
}

export interface CheckpointRow {
  readonly step: number;
  readonly bytes: number | null;
  readonly label?: string;
  /** It leads to where the run stands: a training can be taken up from it. */
  readonly isValid: boolean;
}

/** One run as its page shows it. */
export interface RunDetails {
  readonly row: RunRow;
  /** Absent where config.json is damaged. */
  readonly config?: RunConfig;
  readonly metrics: MetricColumns;
  /** All events but the steps, in order. */
  readonly events: readonly OtherEvent[];
  readonly checkpoints: readonly CheckpointRow[];
  /** Steps whose rollouts were recorded. */
  readonly rolloutSteps: readonly number[];
}

const sparkPoints = 60;
const keptLogs = 100;

/** What is known of runs, kept between requests so that a list of many does not read them all again. */
export class RunCatalogue {
  readonly #logs = new Map<string, RunLog>();
  readonly #sizes = new Map<string, { at: number | undefined; bytes: number }>();

  async row(folder: string, path: string): Promise<RunRow> {
    const log = await this.#log(folder);
    const { state, isTrained } = await log.standing();
    const bytes = await this.#bytes(folder, log);
    const found = await configOf(folder);
    const last = log.steps.at(-1)?.metrics ?? {};
    const name = leadingMetric(last);
    const problem = found.problem ?? log.problem ?? log.timeline.error;
    const isDamaged = found.problem !== undefined || log.problem !== undefined;
    return {
      path,
      id: found.config?.id ?? basename(path),
      name: found.config?.name ?? basename(path),
      createdAt: found.config?.createdAt ?? null,
      state: isDamaged ? "damaged" : state,
      isTrained,
      ...(problem !== undefined && { problem }),
      step: log.timeline.step,
      alerts: log.timeline.alerts,
      ...(name !== undefined && {
        metric: { name, last: last[name]!, course: metricColumns(log.steps, sparkPoints).columns[name]! },
      }),
      ...(log.lastTime !== undefined && { lastTime: log.lastTime }),
      bytes,
      ...(found.config?.parent && { parent: found.config.parent }),
    };
  }

  /** @param points about how many steps the metrics hold. */
  async details(folder: string, path: string, points: number): Promise<RunDetails> {
    const row = await this.row(folder, path);
    const { config } = await configOf(folder);
    const log = await this.#log(folder);
    const { checkpoints, marked } = log.timeline;
    const stored = await new CheckpointStore(join(folder, "checkpoints")).list();
    return {
      row,
      ...(config && { config }),
      metrics: metricColumns(log.steps, points),
      events: log.others,
      checkpoints: stored.map(({ step }) => {
        const label = marked.get(step);
        const known = checkpoints.get(step);
        return {
          step,
          bytes: known?.bytes ?? null,
          ...(label !== undefined && { label }),
          isValid: known !== undefined,
        };
      }),
      rolloutSteps: config ? await (await Run.open(folder)).rolloutSteps() : [],
    };
  }

  /** Forgets a run that was removed. */
  forget(folder: string): void {
    this.#logs.delete(folder);
    this.#sizes.delete(folder);
  }

  async #log(folder: string): Promise<RunLog> {
    const log = this.#logs.get(folder) ?? new RunLog(folder);
    // Those that were asked for longest ago go first.
    this.#logs.delete(folder);
    this.#logs.set(folder, log);
    if (this.#logs.size > keptLogs) this.forget(this.#logs.keys().next().value!);
    await log.refresh();
    return log;
  }

  /** Counted anew when something has happened in the run. */
  async #bytes(folder: string, log: RunLog): Promise<number> {
    const known = this.#sizes.get(folder);
    if (known && known.at === log.lastTime) return known.bytes;
    const bytes = await runSize(folder);
    this.#sizes.set(folder, { at: log.lastTime, bytes });
    return bytes;
  }
}

async function configOf(folder: string): Promise<{ config?: RunConfig; problem?: string }> {
  try {
    return { config: await readRunConfig(folder) };
  } catch (error) {
    // The message names the folder as the server sees it; the page knows it by its path.
    return { problem: (error as Error).message.replaceAll(`${folder}/`, "").replaceAll(folder, basename(folder)) };
  }
}
