// The adapter step and the matrix product in @jax-js/jax. AdamW is written out: its optimizer package is not published.
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import {
  FEATURES,
  HIDDEN,
  LEARNING_RATE,
  ROWS,
  SCALE,
  WEIGHT_DECAY,
  linearWeights,
  normalValues,
  trainingPairs,
  twoLayerWeights,
} from "./data.mjs";

async function open(backend) {
  const devices = await init(backend);
  if (!devices.includes(backend))
    throw new Error(`jax-js has no device ${backend} here, only ${devices.join(", ")}`);
  defaultDevice(backend);
}

/** The two-layer adapter has LlamaIndex's learnt residual factor r, here starting at 1: y = r·f(x) + x. */
function parametersOf(twoLayer) {
  if (!twoLayer) return [np.array(linearWeights().weight).reshape([FEATURES, FEATURES])];
  const { weight1, bias1, weight2, bias2 } = twoLayerWeights();
  return [
    np.array(weight1).reshape([HIDDEN, FEATURES]),
    np.array(bias1),
    np.array(weight2).reshape([FEATURES, HIDDEN]),
    np.array(bias2),
    np.array([1]),
  ];
}

// jax-js counts references: an array is used up by the operation that takes it unless `.ref` is given.
function adapter(parameters, x) {
  if (parameters.length === 1) return np.matmul(x, parameters[0].transpose());
  const [weight1, bias1, weight2, bias2, r] = parameters;
  const hidden = nn.relu(np.matmul(x.ref, weight1.transpose()).add(bias1));
  return np.matmul(hidden, weight2.transpose()).add(bias2).mul(r).add(x);
}

function lossFunction(batchSize) {
  return (parameters, x, d) => {
    let y = adapter(parameters, x);
    const norm = np.sqrt(np.sum(np.square(y.ref), 1, { keepdims: true }));
    y = y.div(norm);
    const scores = np.matmul(y, d.transpose()).mul(SCALE);
    return np.sum(nn.logSoftmax(scores, 1).mul(np.eye(batchSize))).mul(-1 / batchSize);
  };
}

function stepFunction(batchSize) {
  const gradientOf = valueAndGrad(lossFunction(batchSize), { argnums: 0 });
  return jit((W, M, V, correction1, correction2, x, d) => {
    const [loss, gradients] = gradientOf(
      W.map((w) => w.ref),
      x,
      d,
    );
    const squares = gradients.map((gradient) => np.sum(np.square(gradient.ref)));
    const norm = np.sqrt(squares.reduce((sum, one) => sum.add(one)));
    const clip = np.minimum(np.array(1).div(norm.add(1e-6)), 1);
    const clipped = gradients.map((gradient) => gradient.mul(clip.ref));
    clip.dispose();
    const first = M.map((m, index) => m.mul(0.9).add(clipped[index].ref.mul(0.1)));
    const second = V.map((v, index) => v.mul(0.999).add(np.square(clipped[index]).mul(0.001)));
    const weights = W.map((w, index) => {
      const deviation = np.sqrt(second[index].ref.mul(correction2.ref)).add(1e-8);
      const change = first[index].ref.mul(correction1.ref).div(deviation).mul(LEARNING_RATE);
      return w.mul(1 - LEARNING_RATE * WEIGHT_DECAY).sub(change);
    });
    correction1.dispose();
    correction2.dispose();
    return [weights, first, second, loss];
  });
}

export async function prepareAdapter({ backend, twoLayer, batchSize }) {
  await open(backend);
  const { queries, documents } = trainingPairs();
  const batches = Array.from({ length: ROWS / batchSize }, (_, index) => {
    const [start, end] = [index * batchSize * FEATURES, (index + 1) * batchSize * FEATURES];
    return [queries, documents].map((values) =>
      np.array(values.slice(start, end)).reshape([batchSize, FEATURES]),
    );
  });
  let W = parametersOf(twoLayer);
  let M = W.map((w) => np.zerosLike(w.ref));
  let V = W.map((w) => np.zerosLike(w.ref));
  const stepped = stepFunction(batchSize);
  let step = 0;
  const one = () => {
    const [x, d] = batches[step % batches.length];
    step++;
    const corrections = [np.array(1 / (1 - 0.9 ** step)), np.array(1 / (1 - 0.999 ** step))];
    let loss;
    [W, M, V, loss] = stepped(W, M, V, ...corrections, x.ref, d.ref);
    return loss;
  };
  return async (count) => {
    for (let index = 0; index < count - 1; index++) one().dispose();
    return (await one().data())[0];
  };
}

export async function prepareMatmul({ backend, size }) {
  await open(backend);
  const [A, B] = [1, 2].map((seed) => np.array(normalValues(size * size, 1, seed)).reshape([size, size]));
  await blockUntilReady([A, B]);
  return async (count) => {
    for (let index = 0; index < count; index++) {
      const product = np.matmul(A.ref, B.ref);
      await product.blockUntilReady();
      product.dispose();
    }
  };
}
