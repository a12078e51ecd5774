import type { Activation } from "../../../domain/models/adapter-config.ts";

export const ACTIVATIONS: readonly Activation[] = [
  "relu",
  "gelu",
  "tanh",
  "sigmoid",
  "leaky_relu",
  "identity",
];
