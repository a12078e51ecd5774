import { RetuneError } from "../errors.ts";
import { showShape, type Tensor } from "../graph.ts";

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/**
 * A [M, K] · B [K, N] → [M, N]; a transposed operand is stored the other way round (transposeB: B [N, K]).
 * B may be a resident in f16, q8 or q4. Throws "shape" unless both are matrices with one K.
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false }: MatmulOptions = {},
): Tensor {
  const { m, n } = checkedSizes(a, b, transposeA, transposeB);
  const operation = { kind: "matmul", transposeA, transposeB, padded: false } as const;
  // C = A·B:  dA = dC·Bᵀ,  dB = Aᵀ·dC; where an operand is stored transposed, so is its gradient.
  return a.graph.add(operation, [a, b], [m, n], (upstream) => [
    transposeA
      ? matmul(b, upstream, { transposeA: transposeB, transposeB: true })
      : matmul(upstream, b, { transposeB: !transposeB }),
    transposeB
      ? matmul(upstream, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, upstream, { transposeA: !transposeA }),
  ]);
}

/**
 * Q [B, D] · D [N, D] ᵀ → [B, N] whose rows lie a multiple of 4 apart: the scores that `softmaxRows` reads. Its
 * gradient is part of the loss that uses it.
 */
export function paddedScores(queries: Tensor, documents: Tensor): Tensor {
  const { m, n } = checkedSizes(queries, documents, false, true);
  const operation = { kind: "matmul", transposeA: false, transposeB: true, padded: true } as const;
  return queries.graph.add(operation, [queries, documents], [m, n], undefined);
}

function checkedSizes(
  a: Tensor,
  b: Tensor,
  transposeA: boolean,
  transposeB: boolean,
): { m: number; n: number } {
  const [m, kOfA] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
  const [kOfB, n] = transposeB ? [b.shape[1], b.shape[0]] : b.shape;
  const matrices = a.shape.length === 2 && b.shape.length === 2 && a.dtype === "f32" && b.dtype !== "u32";
  if (!matrices || kOfA !== kOfB) {
    const shapeA = transposeA ? "[K, M]" : "[M, K]";
    const shapeB = transposeB ? "[N, K]" : "[K, N]";
    const got = `${showShape(a.shape)} and ${showShape(b.shape)}`;
    throw new RetuneError("shape", `matmul: expected A ${shapeA} and B ${shapeB} with one K, got ${got}`);
  }
  return { m: m!, n: n! };
}
