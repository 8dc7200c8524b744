/**
 * MurmurHash2 (Austin Appleby, public domain), 32 bits, of a text's UTF-8: clients find the file of a cell by it.
 *
 * @returns an unsigned 32-bit integer.
 */
export function murmur2(text: string, seed: number): number {
  const multiplier = 0x5bd1e995;
  const data = Buffer.from(text, "utf8");
  let hash = seed ^ data.length;
  let at = 0;
  for (; at + 4 <= data.length; at += 4) {
    let block = Math.imul(data.readUInt32LE(at), multiplier);
    block ^= block >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(block, multiplier);
  }
  if (at < data.length) {
    for (let i = data.length - 1; i >= at; i--) hash ^= data[i]! << (8 * (i - at));
    hash = Math.imul(hash, multiplier);
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return (hash ^ (hash >>> 15)) >>> 0;
}
