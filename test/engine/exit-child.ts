// Uses an engine and then just ends, in the way named: what a script does that forgets to close it.
import { Engine } from "../../src/engine/index.ts";
import { float32, graphOf } from "./graphs.ts";

const engine = await Engine.start({ device: "cpu" });
const square = graphOf(
  "square",
  [float32("x", 64, 64)],
  [float32("y", 64, 64)],
  [{ op: "MatMul", inputs: ["x", "x"], outputs: ["y"] }],
);
const program = await engine.load(square);
const x = await engine.createBuffer({ dtype: "float32", shape: [64, 64] });
const run = () => program.run({ inputs: { x }, store: { y: x } });
await run();

switch (process.argv[2]) {
  case "idle":
    break;
  case "closed":
    await engine.close();
    break;
  case "pending":
    for (let i = 0; i < 20; i++) void run();
    void run().then(() => console.log("the last run was done"));
    break;
}
console.log("the end of the script");
