import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeEvent, type TensorBoardEvent } from "../../src/interop/tensorboard/event.ts";
import { maskedCrc32c, tfRecord } from "../../src/interop/tensorboard/record.ts";

test("CRC-32C has the values of RFC 3720, masked as TFRecord asks", () => {
  const unmasked = (data: Uint8Array): number => {
    const rotated = (maskedCrc32c(data) - 0xa282ead8) >>> 0;
    return ((rotated << 15) | (rotated >>> 17)) >>> 0;
  };
  assert.equal(unmasked(Buffer.from("123456789")), 0xe3069283);
  assert.equal(unmasked(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(unmasked(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(unmasked(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
});

/** Made with tensorboard 2.21.0: its RecordWriter on `event_pb2.Event(...).SerializeToString()`. */
const golden: [TensorBoardEvent, string][] = [
  [
    { wallTime: 1795441391.25, step: 0, fileVersion: "brain.Event:2" },
    "1800000000000000a37f4b22090000d0bb10c1da411a0d627261696e2e4576656e743a322c7af398",
  ],
  [
    {
      wallTime: 1795441396.026,
      step: 300,
      scalars: { "train/reward": -0.4, "train/kl": Number.POSITIVE_INFINITY },
    },
    "34000000000000005e33175c09fca901bd10c1da4110ac022a260a130a0c747261696e2f72657761726415cdccccbe0a0f0a08747261696e2f6b6c150000807fa872c80e",
  ],
  [
    { wallTime: 1.5, step: 7, texts: { alerts: "entropy ❄" } },
    "36000000000000004f578cef09000000000000f83f10072a290a270a06616c65727473421108071200420b656e74726f707920e29d844a0a0a060a04746578742002b7b7d3f8",
  ],
  [{ wallTime: 2.5, step: 3, restarts: true }, "0f000000000000006d532b0909000000000000044010033a02080121efe3f3"],
];

test("entries are byte for byte those that TensorBoard itself writes", () => {
  for (const [event, bytes] of golden) assert.equal(Buffer.from(tfRecord(encodeEvent(event))).toString("hex"), bytes);
});

test("a number beyond float32 becomes infinite instead of failing the export", () => {
  const bytes = encodeEvent({ wallTime: 0, step: 1, scalars: { x: 1e300 } });
  assert.ok(Buffer.from(bytes).toString("hex").endsWith("150000807f"));
});
