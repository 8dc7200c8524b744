import type { Bench } from "./measure.ts";
import { contest } from "./server-contest.ts";
import { load } from "./server-load.ts";
import { pageLoads } from "./server-page.ts";

/** Our server beside jupyter_server; twenty notebooks whose kernels print; a page's first load. */
export const bench: Bench = async (context) => [
  await contest(context),
  await load(context),
  ...(await pageLoads(context)),
];
