import crc32c from "crc-32/crc32c.js";

/**
 * TFRecord framing: the data's length (8 bytes, little-endian), its masked CRC-32C, the data, their masked CRC-32C.
 *
 * @see TensorFlow, "TFRecord and tf.train.Example": https://www.tensorflow.org/tutorials/load_data/tfrecord
 */
export function tfRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(data.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return record;
}

/** CRC-32C, rotated right by 15 bits, plus a constant: data that hold CRCs get other ones than those they hold. */
export function maskedCrc32c(data: Uint8Array): number {
  const crc = crc32c.buf(data) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
