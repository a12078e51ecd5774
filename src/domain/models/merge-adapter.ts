// The strength of an adapter between nothing (α = 0) and as trained (α = 1; beyond it extrapolates):
//
//   y(α) = (1 − α)·x + α·adapter(x)
//
// Exact as plain weights where the adapter holds the identity: linear W(α) = (1 − α)·I + α·W, b(α) = α·b; with a
// residual r(α) = α·r. A stack without residual has no such weights, so only α = 1 is offered there.
// Wortsman et al. 2022 (WiSE-FT) for the idea; trainers.md §10.9.
import { RetuneError } from "../../engine/errors.ts";
import type { TensorData, Weights } from "../matrix.ts";
import type { AdapterConfig } from "./adapter-config.ts";
import { isResidual, RESIDUAL } from "./adapter-weights.ts";

/** Whether strengths other than 1 can be written as weights of the same configuration. */
export function canMerge(config: AdapterConfig): boolean {
  return config.kind === "linear" || isResidual(config);
}

/** Weights of the adapter at strength `alpha`; the given ones are not changed. */
export function mergeAdapter(config: AdapterConfig, weights: Weights, alpha: number): Weights {
  if (alpha === 1) return weights;
  if (!canMerge(config)) {
    throw new RetuneError(
      "unsupported",
      `adapter: strength ${alpha} needs a linear adapter or a residual; a plain stack has only strength 1`,
    );
  }
  if (config.kind === "linear") {
    return new Map(
      Array.from(weights, ([name, tensor]) => [
        name,
        name === "linear.weight" ? towardsIdentity(tensor, alpha) : scaled(tensor, alpha),
      ]),
    );
  }
  return new Map(
    Array.from(weights, ([name, tensor]) => [name, name === RESIDUAL ? scaled(tensor, alpha) : tensor]),
  );
}

function scaled({ shape, values }: TensorData, factor: number): TensorData {
  return { shape, values: values.map((value) => factor * value) };
}

function towardsIdentity({ shape, values }: TensorData, alpha: number): TensorData {
  const columns = shape[1]!;
  return {
    shape,
    values: values.map((value, index) => {
      const identity = Math.floor(index / columns) === index % columns ? 1 : 0;
      return (1 - alpha) * identity + alpha * value;
    }),
  };
}
