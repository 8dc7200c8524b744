import type { ServerOptions } from "../app.ts";

/** Options of `cirlab start` that say what the server offers, in the form that `parseArgs` takes. */
export const featureOptions = {
  "no-spare": { type: "boolean" },
  "keep-kernels": { type: "boolean" },
  "no-terminals": { type: "boolean" },
  "default-kernel": { type: "string" },
  "cull-idle": { type: "string" },
  "cull-interval": { type: "string" },
  "cull-connected": { type: "boolean" },
  "cull-busy": { type: "boolean" },
} as const;

export const featureUsage = `  --no-spare    do not keep a kernel ready for the next notebook (saves 200 MB of memory)
  --keep-kernels      kernels go on when the server is stopped, and the next server of the folder takes them up
  --no-terminals      no shells in the browser
  --default-kernel K  kernel of documents that name none (default: cirlab)
  --cull-idle S       end kernels that did nothing for S seconds (default: never)
  --cull-interval S   look for them every S seconds (default: 300)
  --cull-connected    end them even when a page is connected
  --cull-busy         end them even while they compute`;

type Values = { [Name in keyof typeof featureOptions]?: string | boolean | undefined };

/** @throws Error that names the option with a wrong value. */
export function featuresOf(values: Values): Partial<ServerOptions> {
  const seconds = (name: "cull-idle" | "cull-interval"): number | undefined => {
    const given = values[name];
    if (given === undefined) return undefined;
    const number = Number(given);
    if (!(number > 0 && number < 2 ** 31 / 1000))
      throw new Error(`--${name} must be a number of seconds above 0, not ${JSON.stringify(given)}.`);
    return number;
  };
  const [idleSeconds, intervalSeconds] = [seconds("cull-idle"), seconds("cull-interval")];
  const rest = (["cull-interval", "cull-connected", "cull-busy"] as const).find((name) => values[name] !== undefined);
  if (idleSeconds === undefined && rest) throw new Error(`--${rest} needs --cull-idle.`);
  const defaultKernel = values["default-kernel"];
  return {
    spareKernel: !values["no-spare"],
    keepKernels: Boolean(values["keep-kernels"]),
    terminals: !values["no-terminals"],
    ...(typeof defaultKernel === "string" ? { defaultKernel } : {}),
    ...(idleSeconds === undefined
      ? {}
      : {
          cull: {
            idleSeconds,
            ...(intervalSeconds === undefined ? {} : { intervalSeconds }),
            connected: Boolean(values["cull-connected"]),
            busy: Boolean(values["cull-busy"]),
          },
        }),
  };
}
