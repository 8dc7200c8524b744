import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** One entry of a TensorBoard event file. */
export interface TensorBoardEvent {
  /** Unix time in seconds. */
  readonly wallTime: number;
  readonly step: number;
  /** First entry of every file. */
  readonly fileVersion?: string;
  /** Numbers by tag; TensorBoard keeps them as float32. */
  readonly scalars?: Readonly<Record<string, number>>;
  /** Markdown by tag. */
  readonly texts?: Readonly<Record<string, string>>;
  /** What was recorded at this step and after it is left behind: readers drop it. */
  readonly restarts?: boolean;
}

/**
 * An entry as a `tensorflow.Event` message. Of the messages only the fields that are used here are written.
 *
 * @see TensorBoard, tensorboard/compat/proto: event.proto, summary.proto, tensor.proto, tensor_shape.proto.
 */
export function encodeEvent({
  wallTime,
  step,
  fileVersion,
  scalars,
  texts,
  restarts,
}: TensorBoardEvent): Uint8Array<ArrayBuffer> {
  const event = new BinaryWriter();
  event.tag(1, WireType.Bit64).double(wallTime);
  // A field that holds its default is not written.
  if (step) event.tag(2, WireType.Varint).int64(step);
  if (fileVersion !== undefined) event.tag(3, WireType.LengthDelimited).string(fileVersion);
  if (scalars || texts) {
    event.tag(5, WireType.LengthDelimited).fork();
    for (const [tag, value] of Object.entries(scalars ?? {})) scalar(event, tag, value);
    for (const [tag, value] of Object.entries(texts ?? {})) text(event, tag, value);
    event.join();
  }
  // session_log { status: START }
  if (restarts) event.tag(7, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(1).join();
  return event.finish();
}

/** Summary.Value { tag, simple_value } */
function scalar(summary: BinaryWriter, tag: string, value: number): void {
  summary.tag(1, WireType.LengthDelimited).fork();
  summary.tag(1, WireType.LengthDelimited).string(tag);
  summary.tag(2, WireType.Bit32).float(Math.fround(value));
  summary.join();
}

/** Summary.Value { tag, tensor: a string without dimensions, metadata: the text plugin's } */
function text(summary: BinaryWriter, tag: string, value: string): void {
  summary.tag(1, WireType.LengthDelimited).fork();
  summary.tag(1, WireType.LengthDelimited).string(tag);
  const tensor = summary.tag(8, WireType.LengthDelimited).fork();
  tensor.tag(1, WireType.Varint).int32(dtypeString);
  tensor.tag(2, WireType.LengthDelimited).fork().join();
  tensor.tag(8, WireType.LengthDelimited).string(value).join();
  const metadata = summary.tag(9, WireType.LengthDelimited).fork();
  metadata.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string("text").join();
  metadata.tag(4, WireType.Varint).int32(dataClassTensor).join();
  summary.join();
}

const dtypeString = 7;
const dataClassTensor = 2;
