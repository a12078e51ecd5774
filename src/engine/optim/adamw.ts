import { RetuneError } from "../errors.ts";
import { elementCount, showShape, type Tensor } from "../graph.ts";

export interface AdamWOptions {
  readonly learningRate: Tensor; // [], usually graph.scalar("learningRate")
  readonly betas?: readonly [number, number]; // torch's default: 0.9, 0.999
  readonly epsilon?: number; // 1e-8
  readonly weightDecay?: number | ((parameter: string) => number); // decoupled; torch's default 0.01
}

/** Parameters that change in place, once a run, after everything else of the step. */
export interface AdamWUpdates {
  readonly kind: "adamw";
  readonly entries: readonly {
    readonly parameter: Tensor;
    readonly gradient: Tensor;
    readonly weightDecay: number;
  }[];
  readonly learningRate: Tensor;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
}

/**
 * torch.optim.AdamW (Loshchilov & Hutter 2019): w ← w·(1 − lr·decay) − lr·m̂/(√v̂ + ε). Its state is named: "<w>.m",
 * "<w>.v" and "step", readable and writable by those names. A step with a gradient that is not finite changes nothing.
 */
export function adamw(
  parameters: readonly Tensor[],
  gradients: readonly Tensor[],
  options: AdamWOptions,
): AdamWUpdates {
  const { learningRate, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01 } = options;
  if (parameters.length !== gradients.length || parameters.length === 0) {
    const got = `${parameters.length} and ${gradients.length}`;
    throw new RetuneError("shape", `adamw: expected one gradient for each parameter, got ${got}`);
  }
  const entries = parameters.map((parameter, index) => {
    const gradient = gradients[index]!;
    const { operation } = parameter.graph.node(parameter);
    if (operation.kind !== "parameter" || elementCount(parameter.shape) !== elementCount(gradient.shape)) {
      const got = `${operation.kind} ${showShape(parameter.shape)} with gradient ${showShape(gradient.shape)}`;
      throw new RetuneError("shape", `adamw: expected a parameter and a gradient of its shape, got ${got}`);
    }
    const decay = typeof weightDecay === "number" ? weightDecay : weightDecay(operation.name);
    return { parameter, gradient, weightDecay: decay };
  });
  return { kind: "adamw", entries, learningRate, betas, epsilon };
}
