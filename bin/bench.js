#!/usr/bin/env node
// npm run bench: this package beside PyTorch, tslab, ipykernel and plain Python processes. --help tells the options.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuilt, ensureInstalled, requireNode, root } from "./setup.js";

requireNode();
ensureInstalled();
ensureBuilt();
const { main } = await import(pathToFileURL(join(root, "dist", "test", "bench", "main.js")).href);
process.exitCode = await main(process.argv.slice(2));
