// Runs the default export of the module named first with the JSON named second, and sends what it returns.
import { argv } from "node:process";

const [, , moduleUrl = "", args = "null"] = argv;
const { default: run } = (await import(moduleUrl)) as { default: (args: unknown) => Promise<unknown> };
process.send?.({ result: (await run(JSON.parse(args))) ?? null }, () => process.disconnect());
