import { versions } from "../base/versions.ts";
import { describeMachine } from "../engine/index.ts";
import { PythonInterpreter } from "../interpreter/index.ts";

/** How an interpreter engine fares on this machine, in one line. */
async function interpreterLine(engine: "jail" | "pyodide"): Promise<string> {
  try {
    const python = await PythonInterpreter.start({ engine, lanes: 1 });
    await python.close();
    return `yes: ${python.description}`;
  } catch (error) {
    return `no: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** `cirlab doctor`: what this machine has, and what to do about what is missing. Exit code 0. */
export async function main(argv: string[]): Promise<number> {
  if (argv.length) {
    console.error(`cirlab doctor takes no arguments, was given ${argv.join(" ")}.`);
    return 2;
  }
  const machine = await describeMachine();
  const { cpu, webgpu, cuda } = machine.devices;
  const state = ({ available, reason }: { available: boolean; reason: string }) =>
    `${available ? "yes" : "no"}: ${reason}`;
  const lines: [string, string][] = [
    ["cirlab", versions().cirlab!],
    ["node", `${machine.node} on ${machine.platform}`],
    ["processor", `${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB of memory`],
    ["ONNX Runtime", `${machine.onnxruntime.version} (${machine.onnxruntime.providers.join(", ")})`],
    ["cpu", state(cpu)],
    ["webgpu", state(webgpu)],
    ["cuda", state(cuda)],
    ["jailed Python", await interpreterLine("jail")],
    ["Pyodide", await interpreterLine("pyodide")],
  ];
  for (const [what, value] of lines) console.log(`${what.padEnd(14)} ${value}`);
  return 0;
}
