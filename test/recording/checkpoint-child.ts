/** Writes checkpoints of two files that hold one byte value each, over and over, until it is killed. */
import { writeSync } from "node:fs";
import { Run } from "../../src/recording/index.ts";

const run = await Run.open(process.argv[2]!);
for (let i = 1; ; i++) {
  writeSync(1, `writing ${i}\n`);
  const content = new Uint8Array(400_000).fill(i % 256);
  await run.checkpoints.write(i % 3, { "model.safetensors": content, "optimizer.safetensors": content });
  writeSync(1, `written ${i}\n`);
}
