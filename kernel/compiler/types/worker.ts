// The thread that knows types.
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parentPort } from "node:worker_threads";
import { serve } from "../thread.ts";
import { TypeService } from "./typeService.ts";

const service = new TypeService();
serve(parentPort!, service);

// The first program loads the libraries' types: done now, the first cell does not wait for it.
service.complete("console.", 8);

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const allowedGrowth = 32 * 2 ** 20;
let kept = 0;

/** Every program leaves its predecessor behind; V8 would let that grow far before it cleans up. */
parentPort!.on("message", () => {
  if (getHeapStatistics().used_heap_size - kept < allowedGrowth) return;
  collect();
  kept = getHeapStatistics().used_heap_size;
});
