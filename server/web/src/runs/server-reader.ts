import { ServerConnection } from "@jupyterlab/services";
import type { BrowseAnswers, BrowseQuestion } from "../../../../src/live/browse/browser.ts";
import type { RunReader } from "./api.ts";

type Query = Readonly<Record<string, string | number | undefined>>;

/** Asks the server that the page came from. */
export class ServerReader implements RunReader {
  readonly #settings = ServerConnection.makeSettings();

  async ask<W extends BrowseQuestion["what"]>(question: Extract<BrowseQuestion, { what: W }>): Promise<BrowseAnswers[W]> {
    const [path, query] = addressOf(question);
    return (await this.#request("GET", path, query)) as BrowseAnswers[W];
  }

  async remove(path: string): Promise<void> {
    await this.#request("DELETE", "/run", { path });
  }

  async #request(method: string, path: string, query: Query): Promise<unknown> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const parameters = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    const address = `${this.#settings.baseUrl}api/runs${path}?${parameters}`;
    const response = await ServerConnection.makeRequest(address, { method }, this.#settings);
    if (response.status === 204) return undefined;
    const body = (await response.json().catch(() => ({}))) as { message?: string };
    if (!response.ok) throw new Error(body.message ?? `The server answered ${response.status}.`);
    return body;
  }
}

/** Where the server answers a question. */
function addressOf(question: BrowseQuestion): [path: string, query: Query] {
  switch (question.what) {
    case "list":
      return ["/", {}];
    case "run":
      return ["/run", { path: question.path, points: question.points }];
    case "rollouts": {
      const { what: _, ...query } = question;
      return ["/rollouts", query];
    }
    case "full": {
      const { path, step, indices } = question;
      return ["/rollouts/full", { path, step, index: indices.join(",") }];
    }
    case "search": {
      const { path, step, text, isRegex } = question;
      return ["/rollouts/search", { path, step, text, regex: isRegex ? 1 : 0 }];
    }
  }
}
