import { stat } from "node:fs/promises";
import type { SchemaElement } from "hyparquet";
import { fileWriter, parquetWriteRows } from "hyparquet-writer";
import type { Task } from "../rollout/tasks/index.ts";
import type { ExportedFile } from "./exported.ts";
import { writtenWhole } from "./files.ts";
import type { ExportedRollout, RolloutSource } from "./rollouts.ts";

/**
 * Writes verl's dataset format as Parquet: `data_source`, `prompt` (chat messages), `ability`, `reward_model` with `style`
 * and `ground_truth`, `extra_info`. Two files:
 *
 * - `tasks.parquet`: each task once, to train on with verl. `ground_truth` is the answer, or where a task has hidden tests in
 *   its place, those as JSON.
 * - `rollouts.parquet`: a row for each rollout; `extra_info` holds the response and what it earned.
 *
 * `ability` is the task's family; `extra_info.question` is the task alone, without the instruction that `prompt` has.
 *
 * @see verl, "Prepare Data for Post-Training": https://verl.readthedocs.io/en/latest/preparation/prepare_data.html
 */
export function writeVerl(source: RolloutSource, folder: string): Promise<ExportedFile[]> {
  const names = ["tasks.parquet", "rollouts.parquet"];
  return writtenWhole(folder, names, async ([tasks, rollouts]) => {
    const counts = [
      await writeRows(tasks!, taskColumns, taskRows(source)),
      await writeRows(rollouts!, rolloutColumns, rolloutRows(source)),
    ];
    const sizes = await Promise.all([tasks!, rollouts!].map((path) => stat(path)));
    return names.map((name, i) => ({ name, rows: counts[i]!, bytes: sizes[i]!.size }));
  });
}

interface Row {
  data_source: string;
  prompt: { role: string; content: string }[];
  ability: string;
  reward_model: { style: string; ground_truth: string };
  extra_info: Record<string, unknown>;
}

function rowOf(taskset: string, task: Task, prompt: string, index: number, extra: Record<string, unknown>): Row {
  const { family, answer, reference } = task;
  return {
    data_source: taskset,
    prompt: [{ role: "user", content: prompt }],
    ability: family,
    reward_model: { style: "rule", ground_truth: answer || JSON.stringify(reference ?? "") },
    extra_info: { index: BigInt(index), split: "train", task_id: task.id, question: task.prompt, ...extra },
  };
}

async function* taskRows({ taskset, rollouts }: RolloutSource): AsyncGenerator<Row> {
  const seen = new Set<string>();
  for await (const { task, prompt } of rollouts()) {
    const key = JSON.stringify([task.prompt, task.answer, task.reference]);
    if (seen.has(key)) continue;
    yield rowOf(taskset, task, prompt, seen.size, {});
    seen.add(key);
  }
}

async function* rolloutRows({ taskset, rollouts }: RolloutSource): AsyncGenerator<Row> {
  let index = 0;
  for await (const rollout of rollouts()) yield rowOf(taskset, rollout.task, rollout.prompt, index++, earned(rollout));
}

const earned = ({ step, group, sample, completion, reward, trajectory }: ExportedRollout): Record<string, unknown> => ({
  step: BigInt(step),
  group: BigInt(group),
  sample: BigInt(sample),
  response: completion,
  reward: reward.reward,
  correct: reward.correct,
  tool_calls: BigInt(trajectory.toolCalls.length),
  stop_reason: trajectory.stopReason,
});

type Field = readonly [name: string, type: "string" | "integer" | "number" | "boolean"];

const taskColumns: readonly Field[] = [
  ["index", "integer"],
  ["split", "string"],
  ["task_id", "string"],
  ["question", "string"],
];

const rolloutColumns: readonly Field[] = [
  ...taskColumns,
  ["step", "integer"],
  ["group", "integer"],
  ["sample", "integer"],
  ["response", "string"],
  ["reward", "number"],
  ["correct", "boolean"],
  ["tool_calls", "integer"],
  ["stop_reason", "string"],
];

const types = {
  string: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  integer: { type: "INT64" },
  number: { type: "DOUBLE" },
  boolean: { type: "BOOLEAN" },
} as const;

const leaf = ([name, type]: Field): SchemaElement => ({ name, repetition_type: "OPTIONAL", ...types[type] });
const group = (name: string, fields: readonly Field[]): SchemaElement[] => [
  { name, repetition_type: "OPTIONAL", num_children: fields.length },
  ...fields.map(leaf),
];

/** The columns as Parquet's own tree; a list is three levels deep there. */
const schemaOf = (extra: readonly Field[]): SchemaElement[] => [
  { name: "root", num_children: 5 },
  leaf(["data_source", "string"]),
  { name: "prompt", repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  ...group("element", [
    ["role", "string"],
    ["content", "string"],
  ]),
  leaf(["ability", "string"]),
  ...group("reward_model", [
    ["style", "string"],
    ["ground_truth", "string"],
  ]),
  ...group("extra_info", extra),
];

async function writeRows(path: string, extra: readonly Field[], rows: AsyncIterable<Row>): Promise<number> {
  let count = 0;
  async function* counted(): AsyncGenerator<Record<string, unknown>> {
    for await (const row of rows) {
      count++;
      yield { ...row };
    }
  }
  const columns = ["data_source", "prompt", "ability", "reward_model", "extra_info"].map((name) => ({ name }));
  await parquetWriteRows({
    writer: fileWriter(path),
    schema: schemaOf(extra),
    rows: counted(),
    columns,
    createdBy: "cirlab",
  });
  return count;
}
