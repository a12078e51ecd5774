import { InferenceSession, Tensor } from "onnxruntime-web";

/** Runs a model file in onnxruntime-web's wasm over rows of token ids of one length or padded with 0. */
export async function runOnnx(
  bytes: Uint8Array,
  ids: readonly (readonly number[])[],
  types: readonly (readonly number[])[] = ids.map((row) => row.map(() => 0)),
): Promise<Readonly<Record<string, Float32Array>>> {
  const session = await InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  const length = Math.max(...ids.map((row) => row.length));
  const tensor = (rows: readonly (readonly number[])[]): Tensor => {
    const padded = rows.flatMap((row) => Array.from({ length }, (_, index) => BigInt(row[index] ?? 0)));
    return new Tensor("int64", BigInt64Array.from(padded), [rows.length, length]);
  };
  const outputs = await session.run({
    input_ids: tensor(ids),
    attention_mask: tensor(ids.map((row) => row.map((id) => (id === 0 ? 0 : 1)))),
    token_type_ids: tensor(types),
  });
  await session.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, (data as Float32Array).slice()]),
  );
}

/** Cosine of two vectors. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    ab += a[index]! * b[index]!;
    aa += a[index]! ** 2;
    bb += b[index]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}
