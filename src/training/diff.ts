import { InvalidInputError } from "../base/errors.ts";
import { displaySymbol } from "../display/host.ts";
import { type MimeBundle, table } from "../display/index.ts";
import type { TrainerConfig } from "./config.ts";

/** What a paper's own configuration says, for the settings that it has. */
export interface PaperSettings {
  /** For example `"arXiv:2505.24480"`. */
  readonly id: string;
  /** The recipe that follows it, by which it can also be asked for. */
  readonly recipe?: string;
  readonly title: string;
  readonly settings: Readonly<Partial<Record<keyof TrainerConfig, { value: unknown; why?: string }>>>;
  /** What differs and is no setting. */
  readonly protocol?: readonly ProtocolDifference[];
  /** What could not be found out about the paper. */
  readonly unknown?: readonly string[];
}

/** A difference beside the settings, in words. */
export interface ProtocolDifference {
  readonly what: string;
  readonly paper: string;
  readonly ours: string;
  readonly why: string;
}

/** One setting in which a configuration leaves its paper. */
export interface SettingDifference {
  readonly setting: string;
  readonly paper: unknown;
  readonly ours: unknown;
  readonly why: string;
}

/** The differences, as data and as a table. */
export class PaperDiff {
  readonly paper: PaperSettings;
  readonly differences: readonly SettingDifference[];

  constructor(paper: PaperSettings, differences: readonly SettingDifference[]) {
    this.paper = paper;
    this.differences = differences;
  }

  [displaySymbol](): MimeBundle {
    const show = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
    const { id, title, protocol = [], unknown = [] } = this.paper;
    const parts = [
      table(
        this.differences.map(({ setting, paper, ours, why }) => ({
          setting,
          paper: show(paper),
          ours: show(ours),
          why,
        })),
        { caption: `Settings that differ from ${id} (${title})` },
      ),
      ...(protocol.length ? [table(protocol, { caption: "What differs beside the settings" })] : []),
      ...(unknown.length
        ? [
            table(
              unknown.map((what) => ({ what })),
              { caption: "Not known of the paper" },
            ),
          ]
        : []),
    ].map((part) => part[displaySymbol]());
    const joined = (type: keyof MimeBundle, between: string) => parts.map((part) => part[type]).join(between);
    return {
      "text/plain": joined("text/plain", "\n\n"),
      "text/html": joined("text/html", ""),
      "text/markdown": joined("text/markdown", "\n\n"),
    };
  }
}

/** @throws InvalidInputError for a paper that the recipe does not name. */
export function diffFromPaper(config: TrainerConfig, papers: readonly PaperSettings[], id: string): PaperDiff {
  const paper = papers.find((known) => known.id === id || known.recipe === id);
  if (!paper) {
    const known = papers.map((p) => p.id).join(", ") || "none: the trainer was not made from a recipe";
    throw new InvalidInputError(`No settings of ${JSON.stringify(id)} are known here.`, `Known: ${known}.`);
  }
  const differences: SettingDifference[] = [];
  for (const [setting, { value, why }] of Object.entries(paper.settings)) {
    const ours = config[setting as keyof TrainerConfig];
    if (JSON.stringify(ours) !== JSON.stringify(value))
      differences.push({ setting, paper: value, ours, why: why ?? "changed by hand" });
  }
  return new PaperDiff(paper, differences);
}
