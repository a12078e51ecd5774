/** Activations of an adapter layer. gelu is the exact one, x·Φ(x); leakyRelu has torch's slope of 0.01. */
export type Activation = "relu" | "tanh" | "sigmoid" | "leakyRelu" | "gelu";

export const LEAKY_SLOPE = 0.01;

/**
 * What the derivative is computed from: the activation's own result where that suffices (so the pre-activation need
 * not be kept), else its argument.
 */
export function derivativeNeeds(activation: Activation): "result" | "argument" {
  return activation === "gelu" ? "argument" : "result";
}

/** The number a kernel knows an activation by; the order is fixed by `kernels/*.wgsl`. */
export const ACTIVATION_CODES: Readonly<Record<Activation, number>> = {
  relu: 0,
  tanh: 1,
  sigmoid: 2,
  leakyRelu: 3,
  gelu: 4,
};
