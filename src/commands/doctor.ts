import { versions } from "../base/versions.ts";
import { describeMachine } from "../engine/index.ts";
import { interpreterReport } from "./doctor-interpreters.ts";

const width = 14;

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
  ];
  for (const [what, value] of lines) console.log(`${what.padEnd(width)} ${value}`);
  for (const [what, values] of await interpreterReport())
    for (const [i, value] of values.entries()) console.log(`${(i ? "" : what).padEnd(width)} ${value}`);
  return 0;
}
