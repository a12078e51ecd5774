export type Activation = "relu" | "tanh" | "sigmoid" | "leaky_relu" | "gelu" | "identity";

/** LlamaIndex's LinearLayer: y = W x (+ b), W starts as the identity. */
export interface LinearAdapter {
  readonly kind: "linear";
  readonly features: number;
  readonly bias: boolean;
}

/**
 * LlamaIndex's TwoLayerNN: y = W₂ act(W₁ x + b₁) + b₂, and with `residual` y = r·y + x with a learnt scalar r that
 * starts at 0. Both layers always have a bias: LlamaIndex stores its `bias` flag and ignores it, so it is kept only
 * to write the same config.
 */
export interface TwoLayerAdapter {
  readonly kind: "two-layer";
  readonly features: number;
  readonly hiddenFeatures: number;
  readonly activation: Activation;
  readonly residual: boolean;
  readonly bias: boolean;
}

/** A stack a person composes: each layer linear (+ bias) then its activation; `residual` adds r·stack(x) + x. */
export interface CustomAdapter {
  readonly kind: "custom";
  readonly features: number;
  readonly layers: readonly CustomLayer[]; // the last one's `features` equals the adapter's
  readonly residual: boolean;
}

export interface CustomLayer {
  readonly features: number; // outputs of this layer
  readonly activation: Activation;
  readonly bias: boolean;
}

export type AdapterConfig = LinearAdapter | TwoLayerAdapter | CustomAdapter;
