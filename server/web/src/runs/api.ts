import { ServerConnection } from "@jupyterlab/services";
import type { RunDetails } from "../../../runs/catalogue.ts";
import type { RunList } from "../../../runs/router.ts";
import type { StepRows } from "../../../../src/display/rollout-rows.ts";
import type { RolloutView } from "../../../../src/display/rollout-view.ts";
import type { RolloutSource } from "../rollouts/source.ts";

export type { CheckpointRow, RunDetails, RunRow } from "../../../runs/catalogue.ts";

const settings = ServerConnection.makeSettings();

/** @throws Error with the server's own words. */
async function request(method: string, path: string, query: Readonly<Record<string, string | number>> = {}): Promise<unknown> {
  const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const response = await ServerConnection.makeRequest(`${settings.baseUrl}api/runs${path}?${parameters}`, { method }, settings);
  if (response.status === 204) return undefined;
  const body = (await response.json().catch(() => ({}))) as { message?: string };
  if (!response.ok) throw new Error(body.message ?? `The server answered ${response.status}.`);
  return body;
}

/** Runs as the server has them on disk. */
export const runs = {
  list: () => request("GET", "/") as Promise<RunList>,
  details: (path: string) => request("GET", "/run", { path }) as Promise<RunDetails>,
  remove: (path: string) => request("DELETE", "/run", { path }) as Promise<undefined>,
};

const rowsAtATime = 5000;

/** The rollouts of a recorded step. */
export function recordedStep(path: string, step: number): RolloutSource {
  return {
    async rows() {
      const page = (offset: number) =>
        request("GET", "/rollouts", { path, step, offset, limit: rowsAtATime }) as Promise<StepRows & { total: number }>;
      const { total, figures, rows } = await page(0);
      const all = [...rows];
      while (all.length < total) {
        const next = (await page(all.length)).rows;
        if (!next.length) break; // The step was recorded anew, and has fewer.
        all.push(...next);
      }
      return { rows: all, figures };
    },
    async full(indices) {
      const query = { path, step, index: indices.join(",") };
      return ((await request("GET", "/rollouts/full", query)) as { rollouts: RolloutView[] }).rollouts;
    },
    async search(text, isRegex) {
      const query = { path, step, text, regex: isRegex ? 1 : 0 };
      return ((await request("GET", "/rollouts/search", query)) as { places: number[] }).places;
    },
  };
}
