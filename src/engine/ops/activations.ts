import { derivativeNeeds, type Activation } from "../activation.ts";
import type { Tensor } from "../graph.ts";

/** max(x, 0) */
export function relu(x: Tensor): Tensor {
  return activate(x, "relu");
}

export function tanh(x: Tensor): Tensor {
  return activate(x, "tanh");
}

/** 1 / (1 + e⁻ˣ) */
export function sigmoid(x: Tensor): Tensor {
  return activate(x, "sigmoid");
}

/** x where x > 0, else 0.01·x (torch's default slope) */
export function leakyRelu(x: Tensor): Tensor {
  return activate(x, "leakyRelu");
}

/** x · Φ(x) = x/2 · (1 + erf(x/√2)): the exact gelu, not its tanh approximation */
export function gelu(x: Tensor): Tensor {
  return activate(x, "gelu");
}

/** eˣ */
export function exp(x: Tensor): Tensor {
  return activate(x, "exp");
}

/** ln x; −∞ at 0 */
export function log(x: Tensor): Tensor {
  return activate(x, "log");
}

/** √x; its derivative is infinite at 0 */
export function sqrt(x: Tensor): Tensor {
  return activate(x, "sqrt");
}

/** log(1 + eˣ) */
export function softplus(x: Tensor): Tensor {
  return activate(x, "softplus");
}

/** x · sigmoid(x), the gate of a SwiGLU (Elfwing et al. 2017; Shazeer 2020) */
export function silu(x: Tensor): Tensor {
  return activate(x, "silu");
}

/** f(x); dX = dY · f′, computed from the result where that suffices, else from x. */
export function activate(x: Tensor, activation: Activation): Tensor {
  const result: Tensor = x.graph.add({ kind: "activation", activation }, [x], x.shape, (upstream) => {
    const saved = derivativeNeeds(activation) === "argument" ? x : result;
    return [x.graph.add({ kind: "activationGradient", activation }, [upstream, saved], x.shape, undefined)];
  });
  return result;
}
