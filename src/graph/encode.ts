import { create, toBinary } from "@bufbuild/protobuf";
import * as onnx from "onnx-buf";
import type { DType, EncodedGraph, TensorSpec } from "./encoded.ts";
import type { Graph, GraphNode, Tensor } from "./tensor.ts";

/** ONNX's numbers for element types (onnx.proto, TensorProto.DataType). */
const elementTypes: Readonly<Record<DType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 };

/** The operator set that every provider of ONNX Runtime in use knows, and the file version that goes with it. */
const opset = 17n;
const irVersion = 8n;

/**
 * Writes a graph as an ONNX model. Nodes that no output needs are left out; inputs are all kept, so that a program's
 * interface does not depend on what a loss happens to use.
 */
export function encode(graph: Graph): EncodedGraph {
  const { nodes, needed } = reachable(graph);
  const names = new Map<Tensor, string>([...graph.inputs, ...graph.outputs].map(([name, tensor]) => [tensor, name]));
  const nameOf = (tensor: Tensor) => names.get(tensor) ?? `%${tensor.id}`;
  const model = create(onnx.ModelProtoSchema, {
    irVersion,
    producerName: "cirlab",
    opsetImport: [create(onnx.OperatorSetIdProtoSchema, { domain: "", version: opset })],
    graph: create(onnx.GraphProtoSchema, {
      name: graph.name,
      input: [...graph.inputs].map(valueInfo),
      output: [...graph.outputs].map(valueInfo),
      initializer: graph.constants
        .filter(({ tensor }) => needed.has(tensor))
        .map(({ tensor, bytes }) =>
          create(onnx.TensorProtoSchema, {
            name: nameOf(tensor),
            dataType: elementTypes[tensor.dtype],
            dims: tensor.shape.map(BigInt),
            rawData: bytes as Uint8Array<ArrayBuffer>,
          }),
        ),
      node: nodes.map((node, i) =>
        create(onnx.NodeProtoSchema, {
          name: `${node.operator}_${i}`,
          opType: node.operator,
          input: node.inputs.map(nameOf),
          output: node.outputs.map(nameOf),
          attribute: Object.entries(node.attributes).map(attribute),
        }),
      ),
    }),
  });
  return {
    name: graph.name,
    onnx: toBinary(onnx.ModelProtoSchema, model),
    inputs: [...graph.inputs].map(spec),
    outputs: [...graph.outputs].map(spec),
  };
}

/** Dead-code elimination: the nodes, in order, and tensors that the outputs depend on. */
function reachable(graph: Graph): { nodes: GraphNode[]; needed: Set<Tensor> } {
  const needed = new Set<Tensor>(graph.outputs.values());
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => needed.has(output))) return false;
    for (const input of node.inputs) needed.add(input);
    return true;
  });
  return { nodes: nodes.reverse(), needed };
}

const spec = ([name, { shape, dtype }]: [string, Tensor]): TensorSpec => ({ name, shape, dtype });

function valueInfo([name, { shape, dtype }]: [string, Tensor]): onnx.ValueInfoProto {
  const dim = shape.map((size) =>
    create(onnx.TensorShapeProto_DimensionSchema, { value: { case: "dimValue", value: BigInt(size) } }),
  );
  const tensor = create(onnx.TypeProto_TensorSchema, {
    elemType: elementTypes[dtype],
    shape: create(onnx.TensorShapeProtoSchema, { dim }),
  });
  return create(onnx.ValueInfoProtoSchema, {
    name,
    type: create(onnx.TypeProtoSchema, { value: { case: "tensorType", value: tensor } }),
  });
}

function attribute([name, value]: [string, number | readonly number[]]): onnx.AttributeProto {
  return typeof value === "number"
    ? create(onnx.AttributeProtoSchema, { name, type: onnx.AttributeProto_AttributeType.INT, i: BigInt(value) })
    : create(onnx.AttributeProtoSchema, {
        name,
        type: onnx.AttributeProto_AttributeType.INTS,
        ints: value.map(BigInt),
      });
}
