#!/usr/bin/env node
// npm start: installs what is missing, builds what is stale, serves the web notebook.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuilt, ensureInstalled, requireNode, root } from "./setup.js";

requireNode();
ensureInstalled();
ensureBuilt();
const { main } = await import(pathToFileURL(join(root, "dist", "server", "commands", "start.js")).href);
process.exitCode = await main(process.argv.slice(2));
