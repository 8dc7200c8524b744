import type { CommandRegistry } from "@lumino/commands";

/** The command that shows a recorded run, with `{ runId, step? }`. */
const openRun = "cirlab:open-run";

let commands: CommandRegistry | undefined;

/** The application's commands, by which other parts of the page are opened. */
export function useCommands(registry: CommandRegistry): void {
  commands = registry;
}

/** Opens a run's rollouts at a step; undefined where the page has nothing to show them with. */
export function runOpener(): ((runId: string, step: number) => void) | undefined {
  const registry = commands;
  if (!registry?.hasCommand(openRun)) return undefined;
  return (runId, step) => void registry.execute(openRun, { runId, step });
}
