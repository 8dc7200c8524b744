/** Locks a run's folder and says how that went; a lock is kept until this process is killed. */
import { Run } from "../../src/recording/index.ts";

const run = await Run.open(process.argv[2]!);
try {
  await run.acquire();
  console.log("locked");
  setInterval(() => {}, 1000);
} catch (error) {
  console.log(`refused: ${(error as Error).message}`);
}
