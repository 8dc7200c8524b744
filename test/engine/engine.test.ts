import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DeviceError, InvalidInputError } from "../../src/base/errors.ts";
import { Engine, type EngineBuffer, type HostTensor, type Program } from "../../src/engine/index.ts";
import { float32, graphOf, int32 } from "./graphs.ts";

function vector(...values: number[]): HostTensor {
  return { dtype: "float32", shape: [values.length], data: Float32Array.from(values) };
}

function iota(count: number, from = 0): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => from + i);
}

/** `sum = x + w`, `product = x * w`, vectors of four. */
const arithmetic = graphOf(
  "arithmetic",
  [float32("x", 4), float32("w", 4)],
  [float32("product", 4), float32("sum", 4)],
  [
    { op: "Mul", inputs: ["x", "w"], outputs: ["product"] },
    { op: "Add", inputs: ["x", "w"], outputs: ["sum"] },
  ],
);

describe("engine on the CPU", () => {
  let engine: Engine;
  let program: Program;

  const buffer = (shape: number[], data?: Float32Array) => engine.createBuffer({ dtype: "float32", shape }, data);
  const content = async (of: EngineBuffer) => [...((await engine.read(of)).data as Float32Array)];

  before(async () => {
    engine = await Engine.start({ device: "cpu", threads: 2 });
    program = await engine.load(arithmetic);
  });
  after(() => engine.close());

  test("reports its device, reason, provider, threads and version", () => {
    assert.equal(engine.report.device, "cpu");
    assert.equal(engine.report.requested, "cpu");
    assert.equal(engine.report.threads, 2);
    assert.match(engine.report.runtimeVersion, /^\d+\.\d+/);
    assert.match(engine.report.reason, /asked for/);
  });

  test("fetches the outputs asked for, and only those", async () => {
    const inputs = { x: vector(1, 2, 3, 4), w: vector(10, 20, 30, 40) };
    const both = await program.run({ inputs, fetch: ["sum", "product"] });
    assert.deepEqual(both.sum, vector(11, 22, 33, 44));
    assert.deepEqual(both.product, vector(10, 40, 90, 160));
    const one = await program.run({ inputs, fetch: ["sum"] });
    assert.deepEqual(one, { sum: vector(11, 22, 33, 44) });
  });

  test("a view of a larger array, or of shared memory, is fed as what it shows", async () => {
    const x: HostTensor = { dtype: "float32", shape: [4], data: iota(100).subarray(10, 14) };
    const shared = new Float32Array(new SharedArrayBuffer(16));
    shared.set([1, 1, 1, 1]);
    const { sum } = await program.run({ inputs: { x, w: { ...x, data: shared } }, fetch: ["sum"] });
    assert.deepEqual([...(sum!.data as Float32Array)], [11, 12, 13, 14]);
  });

  test("stores an output into the buffer it was computed from", async () => {
    const w = await buffer([4], Float32Array.of(1, 2, 3, 4));
    for (let step = 0; step < 3; step++) await program.run({ inputs: { x: vector(1, 1, 1, 1), w }, store: { sum: w } });
    assert.deepEqual(await content(w), [4, 5, 6, 7]);
  });

  test("an update in place never changes what the same run still reads", async () => {
    // `w` is stored from `early` while `late` reads `w` after a long chain: an aliased output would be seen by it.
    const chain = Array.from({ length: 20 }, (_, i) => ({
      op: "Abs",
      inputs: [i === 0 ? "early" : `c${i - 1}`],
      outputs: [`c${i}`],
    }));
    const graph = graphOf(
      "read after write",
      [float32("w", 4)],
      [float32("early", 4), float32("late", 4)],
      [
        { op: "Add", inputs: ["w", "w"], outputs: ["early"] },
        ...chain,
        { op: "Add", inputs: ["c19", "w"], outputs: ["late"] },
      ],
    );
    const w = await buffer([4], Float32Array.of(1, 2, 3, 4));
    const { late } = await (await engine.load(graph)).run({ inputs: { w }, store: { early: w }, fetch: ["late"] });
    assert.deepEqual([...(late!.data as Float32Array)], [3, 6, 9, 12]);
    assert.deepEqual(await content(w), [2, 4, 6, 8]);
  });

  test("an output can be fetched and stored at once, and the two do not share memory", async () => {
    const w = await buffer([4], Float32Array.of(1, 2, 3, 4));
    const { sum } = await program.run({ inputs: { x: vector(1, 1, 1, 1), w }, fetch: ["sum"], store: { sum: w } });
    sum!.data.fill(0 as never);
    assert.deepEqual(await content(w), [2, 3, 4, 5]);
  });

  test("feeds the first rows of a buffer, and sees what was written since", async () => {
    const cache = await buffer([3, 4], iota(12));
    const tall = graphOf(
      "tall",
      [float32("a", 2, 4)],
      [float32("twice", 2, 4)],
      [{ op: "Add", inputs: ["a", "a"], outputs: ["twice"] }],
    );
    const twice = await engine.load(tall);
    const run = async () => {
      const out = await twice.run({ inputs: { a: { buffer: cache, rows: 2 } }, fetch: ["twice"] });
      return [...(out.twice!.data as Float32Array)];
    };
    assert.deepEqual(await run(), [0, 2, 4, 6, 8, 10, 12, 14]);
    await engine.write(cache, iota(12, 100));
    assert.deepEqual(await run(), [200, 202, 204, 206, 208, 210, 212, 214]);
    await engine.moveRows(cache, Int32Array.of(2), Int32Array.of(0));
    assert.deepEqual(await run(), [216, 218, 220, 222, 208, 210, 212, 214]);
  });

  /** Rows, heads, steps, width to a program that hands its input on. */
  const identity = (...shape: number[]) =>
    graphOf(
      "identity",
      [float32("in", ...shape)],
      [float32("out", ...shape)],
      [{ op: "Identity", inputs: ["in"], outputs: ["out"] }],
    );

  for (const steps of [1, 2])
    test(`grows a cache: ${steps} new step(s) a row, each at its own position`, async () => {
      const [slots, heads, length, width] = [3, 2, 5, 4];
      const rows = 2;
      const cache = await buffer([slots, heads, length, width]);
      const grow = await engine.load(identity(rows, heads, steps, width));
      const fresh = iota(rows * heads * steps * width, 1);
      const positions = Int32Array.of(3, 0);
      const input: HostTensor = { dtype: "float32", shape: [rows, heads, steps, width], data: fresh };
      await grow.run({ inputs: { in: input }, updateRows: [{ output: "out", into: cache, positions }] });

      const expected = new Float32Array(slots * heads * length * width);
      for (let row = 0; row < rows; row++)
        for (let head = 0; head < heads; head++)
          for (let i = 0; i < steps * width; i++)
            expected[((row * heads + head) * length + positions[row]!) * width + i] =
              fresh[(row * heads + head) * steps * width + i]!;
      assert.deepEqual(await content(cache), [...expected]);

      await grow.run({
        inputs: { in: { ...input, data: new Float32Array(fresh.length) } },
        updateRows: [{ output: "out", into: cache, positions: Int32Array.of(-1, -1) }],
      });
      assert.deepEqual(await content(cache), [...expected], "a negative position skips the row");
    });

  test("moves rows as if all were read before any is written", async () => {
    const rows = await buffer([4, 2], iota(8));
    await engine.moveRows(rows, Int32Array.of(0, 1, 3), Int32Array.of(1, 2, 0));
    assert.deepEqual(await content(rows), [6, 7, 0, 1, 2, 3, 6, 7]);
    await engine.moveRows(rows, new Int32Array(), new Int32Array());
    assert.deepEqual(await content(rows), [6, 7, 0, 1, 2, 3, 6, 7]);
  });

  test("a clone has the same content and a life of its own; buffers start at zero", async () => {
    const zero = await buffer([2]);
    const copy = await engine.clone(zero);
    await engine.write(zero, Float32Array.of(1, 2));
    assert.deepEqual(await content(zero), [1, 2]);
    assert.deepEqual(await content(copy), [0, 0]);
  });

  test("a scalar and every element type come back as they went in", async () => {
    const data = {
      float32: Float32Array.of(0.5),
      float64: Float64Array.of(0.1),
      int32: Int32Array.of(-7),
      int64: BigInt64Array.of(-(2n ** 60n)),
      bool: Uint8Array.of(1),
    };
    for (const dtype of ["float32", "float64", "int32", "int64", "bool"] as const) {
      const spec = (name: string) => ({ name, dtype, shape: [] });
      const graph = graphOf(dtype, [spec("in")], [spec("out")], [{ op: "Identity", inputs: ["in"], outputs: ["out"] }]);
      const held = await engine.createBuffer({ dtype, shape: [] }, data[dtype]);
      const out = await (await engine.load(graph)).run({ inputs: { in: held }, fetch: ["out"] });
      assert.deepEqual(out.out, { dtype, shape: [], data: data[dtype] });
    }
  });

  test("a hundred runs at once are done in the order asked", async () => {
    const w = await buffer([4]);
    const runs = Array.from({ length: 100 }, (_, i) =>
      program.run({ inputs: { x: vector(1, 1, 1, 1), w }, store: { sum: w }, ...(i % 10 === 0 && { fetch: ["sum"] }) }),
    );
    const seen = (await Promise.all(runs)).flatMap(({ sum }) => (sum ? [Number(sum.data[0])] : []));
    assert.deepEqual(seen, [1, 11, 21, 31, 41, 51, 61, 71, 81, 91]);
    assert.deepEqual(await content(w), [100, 100, 100, 100]);
  });

  test("the calling thread goes on while a long program runs", async () => {
    const size = 768;
    const products = Array.from({ length: 8 }, (_, i) => ({
      op: "MatMul",
      inputs: [i === 0 ? "a" : `p${i - 1}`, "a"],
      outputs: [i === 7 ? "out" : `p${i}`],
    }));
    const long = await engine.load(graphOf("long", [float32("a", size, size)], [float32("out", size, size)], products));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await long.run({ inputs: { a: await buffer([size, size]) }, fetch: ["out"] });
    clearInterval(timer);
    assert.ok(turns > 0, "no timer fired during the run");
  });

  describe("refuses at the door and changes nothing:", () => {
    const x = vector(1, 1, 1, 1);
    let w: EngineBuffer;
    before(async () => {
      w = await buffer([4], Float32Array.of(1, 2, 3, 4));
    });
    after(async () => assert.deepEqual(await content(w), [1, 2, 3, 4]));

    const nothing = null as unknown as HostTensor;
    const refused: [string, () => Promise<unknown>, RegExp][] = [
      [
        "a missing input",
        () => program.run({ inputs: { w }, store: { sum: w } }),
        /"arithmetic", input "x" \(float32\[4\]\) is missing/,
      ],
      [
        "something else as an input",
        () => program.run({ inputs: { x: {} as HostTensor, w }, store: { sum: w } }),
        /neither data nor a buffer/,
      ],
      ["null as an input", () => program.run({ inputs: { x: nothing, w }, store: { sum: w } }), /"x".*is missing/],
      [
        "an unknown input",
        () => program.run({ inputs: { x, w, y: x }, store: { sum: w } }),
        /"arithmetic" has no input "y".*x, w/,
      ],
      [
        "a wrong shape",
        () => program.run({ inputs: { x: vector(1, 2), w }, store: { sum: w } }),
        /input "x" expects float32\[4\]; given was float32\[2\]/,
      ],
      [
        "a wrong type",
        () => program.run({ inputs: { x: { ...x, dtype: "int32" }, w }, store: { sum: w } }),
        /expects float32\[4\]; given was int32\[4\]/,
      ],
      [
        "data of another class",
        () => program.run({ inputs: { x: { ...x, data: new Float64Array(4) }, w }, store: { sum: w } }),
        /Float64Array/,
      ],
      [
        "too little data",
        () => program.run({ inputs: { x: { ...x, data: new Float32Array(3) }, w }, store: { sum: w } }),
        /4 elements; given were 3/,
      ],
      [
        "more rows than a buffer has",
        () => program.run({ inputs: { x: { buffer: w, rows: 5 }, w }, store: { sum: w } }),
        /5 rows/,
      ],
      [
        "an unknown output to fetch",
        () => program.run({ inputs: { x, w }, fetch: ["total"], store: { sum: w } }),
        /no output "total" to fetch.*product, sum/,
      ],
      [
        "an unknown output to store",
        () => program.run({ inputs: { x, w }, store: { total: w } }),
        /no output "total" to store/,
      ],
      [
        "two outputs for one buffer",
        () => program.run({ inputs: { x, w }, store: { sum: w, product: w } }),
        /same buffer/,
      ],
      ["nothing asked for", () => program.run({ inputs: { x, w } }), /no output is fetched/],
      [
        "row updates of another shape",
        () =>
          program.run({
            inputs: { x, w },
            updateRows: [{ output: "sum", into: w, positions: Int32Array.of(0, 0, 0, 0) }],
          }),
        /cannot update rows/,
      ],
      ["a write of another length", () => engine.write(w, new Float32Array(5)), /4 elements; given were 5/],
      ["a move from outside", () => engine.moveRows(w, Int32Array.of(4), Int32Array.of(0)), /no row 4/],
      [
        "two moves to one row",
        () => engine.moveRows(w, Int32Array.of(1, 2), Int32Array.of(0, 0)),
        /target of two moves/,
      ],
      ["a buffer with an empty axis", () => buffer([2, 0]), /shape/],
      [
        "a damaged graph",
        () => engine.load({ ...arithmetic, onnx: arithmetic.onnx.slice(0, 40) }),
        /Loading program "arithmetic"/,
      ],
    ];
    for (const [what, attempt, message] of refused)
      test(what, () =>
        assert.rejects(attempt(), (error) => {
          assert.ok(error instanceof InvalidInputError, String(error));
          assert.match(error.message, message);
          return true;
        }),
      );

    test("a position beyond the cache", async () => {
      const cache = await buffer([2, 1, 3, 4]);
      const grow = await engine.load(identity(2, 1, 1, 4));
      const data = { dtype: "float32", shape: [2, 1, 1, 4], data: iota(8, 1) } as const;
      const update = { output: "out", into: cache, positions: Int32Array.of(0, 3) };
      await assert.rejects(grow.run({ inputs: { in: data }, updateRows: [update] }), /position 3 lies beyond.* 3\./);
      assert.deepEqual(await content(cache), Array(24).fill(0));
    });

    test("a failure inside the runtime names the program and leaves buffers alone", async () => {
      const table = await buffer([4], Float32Array.of(1, 2, 3, 4));
      const gather = graphOf(
        "gather",
        [float32("table", 4), int32("ids", 4)],
        [float32("picked", 4)],
        [{ op: "Gather", inputs: ["table", "ids"], outputs: ["picked"] }],
      );
      const ids: HostTensor = { dtype: "int32", shape: [4], data: Int32Array.of(0, 1, 2, 9) };
      const picked = (await engine.load(gather)).run({ inputs: { table, ids }, store: { picked: table } });
      await assert.rejects(picked, {
        name: "InfrastructureError",
        message: /Program "gather" failed:.*out of.*bounds/s,
      });
      assert.deepEqual(await content(table), [1, 2, 3, 4]);
    });

    test("a buffer that was disposed, and a program that was", async () => {
      const gone = await buffer([4]);
      await engine.dispose([gone]);
      await assert.rejects(
        program.run({ inputs: { x, w: gone }, fetch: ["sum"] }),
        /input "w": the buffer.*was disposed/,
      );
      const unloaded = await engine.load(arithmetic);
      await unloaded.dispose();
      await unloaded.dispose();
      await assert.rejects(unloaded.run({ inputs: { x, w }, fetch: ["sum"] }), /"arithmetic" was disposed/);
    });

    test("a buffer of another engine, and anything after closing", async () => {
      const other = await Engine.start({ device: "cpu", threads: 1 });
      const foreign = await other.createBuffer({ dtype: "float32", shape: [4] });
      const fed = program.run({ inputs: { x, w: foreign }, fetch: ["sum"] });
      await assert.rejects(
        fed,
        (error) => error instanceof DeviceError && /belongs to another engine/.test(error.message),
      );
      await assert.rejects(program.run({ inputs: { x, w }, store: { sum: foreign } }), DeviceError);
      await other.close();
      await other.close();
      await assert.rejects(other.read(foreign), /the engine is closed/);
    });
  });
});

test("an unknown device and a bad number of threads are named", async () => {
  await assert.rejects(Engine.start({ device: "tpu" as never }), (error) => {
    assert.ok(error instanceof DeviceError);
    assert.match(error.message, /"tpu".*"auto", "cpu", "webgpu" or "cuda"/);
    return true;
  });
  await assert.rejects(Engine.start({ device: "cpu", threads: 0 }), InvalidInputError);
});
