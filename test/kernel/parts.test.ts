import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { compose, decodeMappings, lookUp } from "../../kernel/compiler/positions.ts";
import { toCharacters, toUtf16 } from "../../kernel/front/text.ts";
import {
  createConnection,
  createMessage,
  decodeMessage,
  encodeMessage,
  readConnectionFile,
  sign,
  writeConnectionFile,
} from "../../kernel/protocol/index.ts";
import { encodeFrame, FrameReader, type FromSession } from "../../kernel/session/wire.ts";
import { findKernelSpecs } from "../../kernel/specs/index.ts";

const signing = { key: "a0436f6c-1916-498b-8eb9-e81ab9368e84", signature_scheme: "hmac-sha256" };

describe("messages", () => {
  test("the signature is HMAC-SHA256 over the four parts", () => {
    // Test case 2 of RFC 4231, cut into four pieces.
    const parts = ["what do ya ", "want ", "for ", "nothing?"].map((text) => Buffer.from(text));
    assert.equal(
      sign(parts, { key: "Jefe", signature_scheme: "hmac-sha256" }),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
    assert.equal(sign(parts, { key: "", signature_scheme: "hmac-sha256" }), "");
    assert.throws(() => sign(parts, { key: "x", signature_scheme: "rot13" }), /Unknown signature scheme "rot13"/);
  });

  test("what is encoded is decoded, with identities and buffers", () => {
    const message = createMessage("x_request", { text: "é😀" }, { session: "s", buffers: [Buffer.from([0, 255])] });
    const frames = encodeMessage(message, signing, [Buffer.from("client")]);
    const decoded = decodeMessage(frames, signing)!;
    assert.deepEqual(decoded.message.content, message.content);
    assert.deepEqual(decoded.message.header, message.header);
    assert.deepEqual([...decoded.message.buffers[0]!], [0, 255]);
    assert.equal(Buffer.from(decoded.identities[0]!).toString(), "client");
  });

  test("tampered and torn messages are refused", () => {
    const frames = encodeMessage(createMessage("x", {}, { session: "s" }), signing);
    assert.equal(decodeMessage([...frames.slice(0, 5), Buffer.from('{"code":1}')], signing), undefined);
    assert.equal(decodeMessage(frames.slice(0, 4), signing), undefined);
    assert.equal(decodeMessage([], signing), undefined);
    const unsigned = { key: "", signature_scheme: "hmac-sha256" };
    const broken = [...frames.slice(0, 2), ...frames.slice(2).map(() => Buffer.from("{"))];
    assert.equal(decodeMessage(broken, unsigned), undefined);
  });
});

test("connection files: different ports, read as written, refused when incomplete", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-connection-"));
  const connection = await createConnection({ kernelName: "cirlab" });
  const { shell_port, iopub_port, stdin_port, control_port, hb_port } = connection;
  assert.equal(new Set([shell_port, iopub_port, stdin_port, control_port, hb_port]).size, 5);
  const file = await writeConnectionFile(connection, join(folder, "c.json"));
  assert.deepEqual(readConnectionFile(file), connection);
  await writeFile(file, JSON.stringify({ ...connection, hb_port: 0 }));
  assert.throws(() => readConnectionFile(file), /c\.json is not valid[\s\S]*hb_port/);
  assert.throws(() => readConnectionFile(join(folder, "none.json")), /none\.json/);
  await rm(folder, { recursive: true });
});

test("kernelspecs: ours without installation, others from Jupyter's folders, broken ones passed over", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cirlab-specs-"));
  const add = async (name: string, text: string) => {
    await mkdir(join(folder, "kernels", name), { recursive: true });
    await writeFile(join(folder, "kernels", name, "kernel.json"), text);
  };
  await add("other", '{ "argv": ["run", "{connection_file}"], "display_name": "Other", "language": "other" }');
  await add("cirlab", '{ "argv": ["old"], "display_name": "Old", "language": "typescript" }');
  await add("broken", "{");
  const specs = await findKernelSpecs({ JUPYTER_PATH: folder, JUPYTER_DATA_DIR: join(folder, "none") });
  assert.equal(specs.other!.spec.display_name, "Other");
  assert.equal(specs.other!.spec.interrupt_mode, "signal");
  assert.equal(specs.cirlab!.spec.argv[2], "kernel");
  assert.deepEqual(Object.keys(specs.cirlab!.resources).sort(), ["logo-32x32", "logo-64x64", "logo-svg"]);
  assert.equal("broken" in specs, false);
  await rm(folder, { recursive: true });
});

test("frames come together from pieces of any size", () => {
  const messages: FromSession[] = [
    { type: "stream", id: "1", name: "stdout", text: "é".repeat(50) },
    { type: "commHandled", id: "2" },
  ];
  const buffers = [new Uint8Array([1, 2, 3]), new Uint8Array(0)];
  const bytes = Buffer.concat([encodeFrame(messages[0]!), encodeFrame(messages[1]!, buffers)]);
  for (const size of [1, 7, bytes.length]) {
    const reader = new FrameReader();
    const read: { message: FromSession; buffers: Uint8Array[] }[] = [];
    for (let at = 0; at < bytes.length; at += size) read.push(...reader.push(bytes.subarray(at, at + size)));
    assert.deepEqual(
      read.map((frame) => frame.message),
      messages,
    );
    assert.deepEqual(
      read[1]!.buffers.map((b) => [...b]),
      [[1, 2, 3], []],
    );
  }
});

test("offsets in characters and in UTF-16 units", () => {
  assert.equal(toUtf16("a😀b", 2), 3);
  assert.equal(toCharacters("a😀b", 3), 2);
  assert.equal(toUtf16("ab", 99), 2);
});

test("source maps: decoding, composition and look-up", () => {
  const first = decodeMappings("AAAA,IAAI;AACA,QAAQ");
  assert.deepEqual(first, [
    [0, 0, 0, 4, 0, 4],
    [0, 1, 4, 8, 1, 12],
  ]);
  const composed = compose([[2, 1, 8]], first);
  assert.deepEqual(composed, [[2, 1, 12]]);
  assert.deepEqual(lookUp(first, 0, 6), { line: 0, column: 4 });
  assert.equal(lookUp(first, 7, 0), undefined);
});
