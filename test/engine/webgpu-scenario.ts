import type { Device } from "../../src/base/context.ts";
import { Engine, type EngineBuffer } from "../../src/engine/index.ts";
import { float32, graphOf, int32 } from "./graphs.ts";

function waves(count: number, phase = 0): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i + phase));
}

/** Uses all that an engine can do on a device, and returns every number that came out, by name. */
export default async function scenario({ device }: { device: Device }): Promise<Record<string, number[]>> {
  const engine = await Engine.start({ device, threads: 2 });
  const seen: Record<string, number[]> = {};
  const look = async (name: string, buffer: EngineBuffer) => {
    seen[name] = Array.from((await engine.read(buffer)).data, Number);
  };

  // Gradient descent on a linear map: weights updated in place, the loss fetched, the gradient dropped.
  const descent = await engine.load(
    graphOf(
      "descent",
      [float32("x", 8, 4), float32("w", 4, 4), float32("rate")],
      [float32("loss", 8, 4), float32("w2", 4, 4), float32("gradient", 4, 4)],
      [
        { op: "MatMul", inputs: ["x", "w"], outputs: ["y"] },
        { op: "Mul", inputs: ["y", "y"], outputs: ["loss"] },
        { op: "Gemm", inputs: ["x", "y"], outputs: ["gradient"], attributes: { transA: 1 } },
        { op: "Mul", inputs: ["gradient", "rate"], outputs: ["step"] },
        { op: "Sub", inputs: ["w", "step"], outputs: ["w2"] },
      ],
    ),
  );
  const w = await engine.createBuffer({ dtype: "float32", shape: [4, 4] }, waves(16));
  const before = await engine.clone(w);
  const x = await engine.createBuffer({ dtype: "float32", shape: [9, 4] }, waves(36, 1));
  const rate = { dtype: "float32", shape: [], data: Float32Array.of(0.1) } as const;
  for (let step = 0; step < 3; step++) {
    const inputs = { x: { buffer: x, rows: 8 }, w, rate };
    const { loss } = await descent.run({ inputs, fetch: ["loss"], store: { w2: w } });
    seen[`loss ${step}`] = Array.from(loss!.data, Number);
  }
  const both = await descent.run({ inputs: { x: { buffer: x, rows: 8 }, w, rate }, fetch: ["w2"], store: { w2: w } });
  seen["fetched and stored"] = Array.from(both.w2!.data, Number);
  await look("weights", w);
  await look("clone of the first weights", before);

  // A cache that grows row by row, all rows or some, one step or several, then is compacted.
  for (const [rows, steps] of [
    [3, 1],
    [2, 1],
    [3, 2],
    [2, 3],
  ] as const) {
    const shape = [rows, 2, steps, 4];
    const grow = await engine.load(
      graphOf(
        "grow",
        [float32("k", ...shape)],
        [float32("nk", ...shape)],
        [{ op: "Neg", inputs: ["k"], outputs: ["nk"] }],
      ),
    );
    const cache = await engine.createBuffer({ dtype: "float32", shape: [3, 2, 6, 4] }, waves(144, 2));
    const k = { dtype: "float32", shape, data: waves(rows * 2 * steps * 4, 3) } as const;
    const positions = Int32Array.of(2, -1, 0).subarray(0, rows);
    await grow.run({ inputs: { k }, updateRows: [{ output: "nk", into: cache, positions }] });
    await look(`cache after ${rows} rows of ${steps} steps`, cache);
    await engine.moveRows(cache, Int32Array.of(2, 0), Int32Array.of(0, 1));
    await look(`moved after ${rows} rows of ${steps} steps`, cache);
    await grow.dispose();
  }

  // Integers select rows of a table.
  const pick = await engine.load(
    graphOf(
      "pick",
      [float32("table", 9, 4), int32("ids", 3)],
      [float32("picked", 3, 4)],
      [{ op: "Gather", inputs: ["table", "ids"], outputs: ["picked"] }],
    ),
  );
  const ids = await engine.createBuffer({ dtype: "int32", shape: [3] }, Int32Array.of(8, 0, 3));
  seen.picked = Array.from((await pick.run({ inputs: { table: x, ids }, fetch: ["picked"] })).picked!.data, Number);
  await engine.write(ids, Int32Array.of(1, 1, 2));
  await look("ids", ids);

  await engine.dispose([w, x]);
  await engine.close();
  return seen;
}
