// State of widgets as it travels: binary parts go beside the JSON, each with the path of where it belongs.

export type Path = (string | number)[];

export interface Packed {
  state: Record<string, unknown>;
  paths: Path[];
  buffers: Uint8Array[];
}

/** The bytes of a typed array, a DataView or an ArrayBuffer, without a copy. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value);
  return undefined;
}

/**
 * Takes the binary parts out: from objects they vanish, in arrays they leave null. `replace` may turn any other object
 * into what stands for it on the wire. The state itself stays as it is.
 */
export function pack(state: Record<string, unknown>, replace: (value: object) => unknown = () => undefined): Packed {
  const paths: Path[] = [];
  const buffers: Uint8Array[] = [];
  const strip = (value: unknown, path: Path): unknown => {
    if (typeof value !== "object" || value === null) return value;
    const bytes = bytesOf(value);
    if (bytes) {
      paths.push(path);
      buffers.push(bytes);
      return undefined;
    }
    const replaced = replace(value);
    if (replaced !== undefined) return replaced;
    if (Array.isArray(value)) return value.map((item, i) => strip(item, [...path, i]) ?? null);
    if (typeof (value as { toJSON?: unknown }).toJSON === "function") return value;
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, item]) => [key, strip(item, [...path, key])] as const)
        .filter(([, item]) => item !== undefined),
    );
  };
  return { state: strip(state, []) as Record<string, unknown>, paths, buffers };
}

/** Puts binary parts back. @throws RangeError for a path that leads nowhere */
export function unpack(state: Record<string, unknown>, paths: unknown, buffers: readonly Uint8Array[]): void {
  if (!Array.isArray(paths)) return;
  for (const [i, path] of paths.entries()) {
    const bytes = buffers[i];
    if (!Array.isArray(path) || path.length === 0 || !bytes) throw new RangeError(`Buffer ${i} has no place.`);
    const parent = path.slice(0, -1).reduce<unknown>((inside, key) => {
      const isOwn = typeof inside === "object" && inside !== null && Object.hasOwn(inside, key as PropertyKey);
      return isOwn ? (inside as Record<PropertyKey, unknown>)[key as PropertyKey] : undefined;
    }, state);
    if (typeof parent !== "object" || parent === null)
      throw new RangeError(`Buffer ${i} has no place: ${path.join(".")}.`);
    Object.defineProperty(parent, path.at(-1) as PropertyKey, {
      value: bytes,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
}

type TypedArrayConstructor = { new (buffer: ArrayBuffer): ArrayBufferView; readonly BYTES_PER_ELEMENT: number };

/**
 * Bytes as an array of the same kind as `like`, in memory of their own; a Uint8Array where `like` is none.
 * @throws RangeError where the number of bytes does not fit
 */
export function arrayLike(like: unknown, bytes: Uint8Array): ArrayBufferView {
  // Not slice(), which of a Buffer gives the same memory.
  const own = new Uint8Array(bytes);
  if (!ArrayBuffer.isView(like) || like instanceof DataView) return own;
  if (like instanceof Uint8Array) return own;
  const TypedArray = like.constructor as unknown as TypedArrayConstructor;
  if (own.byteLength % TypedArray.BYTES_PER_ELEMENT !== 0) {
    throw new RangeError(`${own.byteLength} bytes are no whole number of ${TypedArray.BYTES_PER_ELEMENT}-byte values.`);
  }
  return new TypedArray(own.buffer as ArrayBuffer);
}
