import { siblingModule } from "../package.ts";

/** The code of the quick compiler's thread. */
export const transpilerUrl: URL = siblingModule(import.meta.url, "./transpilerWorker");
