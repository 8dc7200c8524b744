import type { Bench } from "./measure.ts";
import { contest } from "./server-contest.ts";
import { livePanel } from "./server-live.ts";
import { load } from "./server-load.ts";
import { pageLoads } from "./server-page.ts";

/** Our server beside jupyter_server; twenty notebooks whose kernels print; a page's first load; a fast run in it. */
export const bench: Bench = async (context) => [
  await contest(context),
  await load(context),
  ...(await pageLoads(context)),
  ...(await livePanel(context)),
];
