import { create, toBinary } from "@bufbuild/protobuf";
import * as onnx from "onnx-buf";
import type { EncodedGraph, TensorSpec } from "../graph/encoded.ts";

const elementType = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;

/** One ONNX node; attributes are integers, all that these graphs need. */
export interface GraphNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number>>;
}

/** A constant of a graph. */
export interface GraphConstant {
  readonly name: string;
  readonly dtype: "int32" | "int64";
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/**
 * A graph written node by node, for the few programs with which an engine moves its own buffers about. What models are
 * made of is written with the graph room's operators instead.
 */
export function smallGraph(
  name: string,
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
  nodes: readonly GraphNode[],
  constants: readonly GraphConstant[] = [],
): EncodedGraph {
  const model = create(onnx.ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [create(onnx.OperatorSetIdProtoSchema, { domain: "", version: 17n })],
    graph: create(onnx.GraphProtoSchema, {
      name,
      node: nodes.map(nodeProto),
      input: inputs.map(valueInfo),
      output: outputs.map(valueInfo),
      initializer: constants.map(constantProto),
    }),
  });
  return { name, onnx: toBinary(onnx.ModelProtoSchema, model), inputs, outputs };
}

function nodeProto({ op, inputs, outputs, attributes = {} }: GraphNode, index: number) {
  return create(onnx.NodeProtoSchema, {
    name: `${op}_${index}`,
    opType: op,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) =>
      create(onnx.AttributeProtoSchema, { name, type: onnx.AttributeProto_AttributeType.INT, i: BigInt(value) }),
    ),
  });
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

function constantProto({ name, dtype, shape, values }: GraphConstant) {
  return create(onnx.TensorProtoSchema, {
    name,
    dataType: elementType[dtype],
    dims: shape.map(BigInt),
    ...(dtype === "int64" ? { int64Data: values.map(BigInt) } : { int32Data: [...values] }),
  });
}
