import { create, toBinary } from "@bufbuild/protobuf";
import * as onnx from "onnx-buf";
import type { EncodedGraph, TensorSpec } from "../../src/graph/encoded.ts";

const elementType = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Integer attributes. */
  readonly attributes?: Readonly<Record<string, number>>;
}

function valueInfo({ name, dtype, shape }: TensorSpec) {
  const dim = shape.map((size) =>
    create(onnx.TensorShapeProto_DimensionSchema, { value: { case: "dimValue", value: BigInt(size) } }),
  );
  const tensor = create(onnx.TypeProto_TensorSchema, {
    elemType: elementType[dtype],
    shape: create(onnx.TensorShapeProtoSchema, { dim }),
  });
  return create(onnx.ValueInfoProtoSchema, {
    name,
    type: create(onnx.TypeProtoSchema, { value: { case: "tensorType", value: tensor } }),
  });
}

export function float32(name: string, ...shape: number[]): TensorSpec {
  return { name, dtype: "float32", shape };
}

export function int32(name: string, ...shape: number[]): TensorSpec {
  return { name, dtype: "int32", shape };
}

/** A graph written by hand, node by node: what the engine is tested with, apart from the lab's graph builder. */
export function graphOf(
  name: string,
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
  nodes: readonly Node[],
): EncodedGraph {
  const node = nodes.map(({ op, inputs, outputs, attributes = {} }, i) =>
    create(onnx.NodeProtoSchema, {
      name: `${op}_${i}`,
      opType: op,
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([key, value]) =>
        create(onnx.AttributeProtoSchema, { name: key, type: onnx.AttributeProto_AttributeType.INT, i: BigInt(value) }),
      ),
    }),
  );
  const model = create(onnx.ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [create(onnx.OperatorSetIdProtoSchema, { domain: "", version: 17n })],
    graph: create(onnx.GraphProtoSchema, { name, node, input: inputs.map(valueInfo), output: outputs.map(valueInfo) }),
  });
  return { name, onnx: toBinary(onnx.ModelProtoSchema, model), inputs, outputs };
}
