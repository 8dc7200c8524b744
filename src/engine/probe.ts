// A process of its own that tries a device and prints what it found as JSON: native code that fails may abort it.
//   node probe.js <device> <threads> try|compare
import { argv, stdout } from "node:process";
import { pathToFileURL } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node-gpu";
import type { Device } from "../base/context.ts";
import { sessionOptions } from "./sessions.ts";
import { smallGraph } from "./small-graphs.ts";

/** Milliseconds of one product of square matrices by device, when they were compared; or why the device fails. */
export type ProbeResult =
  | { readonly size: number; readonly milliseconds?: Readonly<Partial<Record<Device, number>>> }
  | { readonly error: string };

/** An emulated GPU needs seconds for the small product; a real one earns the larger, where its start-up costs less. */
const sizes = { small: 256, large: 1024 };
const hopelessFactor = 20;

/** Tries a device with one product of matrices, and with `compare` measures it against the CPU. */
export async function tryDevice(device: Device, threads: number, compare: boolean): Promise<ProbeResult> {
  try {
    const { small: size } = sizes;
    const milliseconds = { [device]: await timeProduct(device, threads, size) };
    if (!compare) return { size };
    const cpu = await timeProduct("cpu", threads, size);
    if (milliseconds[device]! > hopelessFactor * cpu) return { size, milliseconds: { ...milliseconds, cpu } };
    return {
      size: sizes.large,
      milliseconds: {
        [device]: await timeProduct(device, threads, sizes.large),
        cpu: await timeProduct("cpu", threads, sizes.large),
      },
    };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** The fastest of three runs after a first one that compiles. */
async function timeProduct(device: Device, threads: number, size: number): Promise<number> {
  const matrix = { dtype: "float32", shape: [size, size] } as const;
  const graph = smallGraph(
    "product",
    [{ name: "a", ...matrix }],
    [{ name: "b", ...matrix }],
    [{ op: "MatMul", inputs: ["a", "a"], outputs: ["b"] }],
  );
  const session = await InferenceSession.create(graph.onnx, sessionOptions(device, threads));
  const a = new Tensor("float32", new Float32Array(size * size).fill(1 / size), matrix.shape);
  const times: number[] = [];
  for (let run = 0; run < 4; run++) {
    const started = performance.now();
    const { b } = await session.run({ a });
    times.push(performance.now() - started);
    const value = (b!.data as Float32Array)[0]!;
    if (Math.abs(value * size - 1) > 1e-3) throw new Error(`a product of matrices came out as ${value * size}, not 1`);
  }
  await session.release();
  return Math.min(...times.slice(1));
}

if (import.meta.url === pathToFileURL(argv[1] ?? "").href) {
  const [, , device, threads, mode] = argv;
  stdout.write(JSON.stringify(await tryDevice(device as Device, Number(threads), mode === "compare")));
}
