/**
 * Functions of one value. gelu is the exact one, x·Φ(x); leakyRelu has torch's slope of 0.01; softplus is log(1 + eˣ),
 * computed as max(x, 0) + log(1 + e^−|x|) so that nothing overflows; silu is x·sigmoid(x).
 */
export type Activation =
  "relu" | "tanh" | "sigmoid" | "leakyRelu" | "gelu" | "exp" | "log" | "sqrt" | "softplus" | "silu";

const FROM_ARGUMENT: ReadonlySet<Activation> = new Set(["gelu", "log", "softplus", "silu"]);

export const LEAKY_SLOPE = 0.01;

/**
 * What the derivative is computed from: the activation's own result where that suffices (so the pre-activation need
 * not be kept), else its argument.
 */
export function derivativeNeeds(activation: Activation): "result" | "argument" {
  return FROM_ARGUMENT.has(activation) ? "argument" : "result";
}

/** The number a kernel knows an activation by; the order is fixed by `kernels/*.wgsl`. */
export const ACTIVATION_CODES: Readonly<Record<Activation, number>> = {
  relu: 0,
  tanh: 1,
  sigmoid: 2,
  leakyRelu: 3,
  gelu: 4,
  exp: 5,
  log: 6,
  sqrt: 7,
  softplus: 8,
  silu: 9,
};
