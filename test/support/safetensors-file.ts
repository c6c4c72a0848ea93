/** A safetensors file of float32 tensors, as its format says: length, header, data. */
export function safetensorsFile(
  tensors: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>
  >,
): Uint8Array {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, values }]) => {
      const start = end;
      end += 4 * values.length;
      return [name, { dtype: "F32", shape, data_offsets: [start, end] }];
    }),
  );
  const data = Float32Array.from(Object.values(tensors).flatMap(({ values }) => values));
  return safetensorsBytes(JSON.stringify(header), new Uint8Array(data.buffer));
}

/** The same from any header and data. */
export function safetensorsBytes(header: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}
