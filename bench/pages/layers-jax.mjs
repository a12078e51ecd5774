// The step of bge-small's layers in @jax-js/jax. An array is used up by the operation that takes it, unless `.ref` is given.
import { defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import * as data from "./layers-data.mjs";

const { WIDTH, HEADS, SEQUENCES, LENGTH, ROWS } = data;
const HEAD = WIDTH / HEADS;

function norm(x, gamma, beta) {
  const centred = x.ref.sub(np.mean(x, -1, { keepdims: true }));
  const variance = np.mean(np.square(centred.ref), -1, { keepdims: true });
  return centred
    .div(np.sqrt(variance.add(data.EPSILON)))
    .mul(gamma)
    .add(beta);
}

const linear = (x, weight, bias) => np.matmul(x, weight.transpose()).add(bias);

const gelu = (x) => x.ref.mul(0.5).mul(lax.erf(x.mul(Math.SQRT1_2)).add(1));

const heads = (x) => x.reshape([SEQUENCES, LENGTH, HEADS, HEAD]).transpose([0, 2, 1, 3]);

function layer(x, [wq, bq, wk, bk, wv, bv, wo, bo, g1, b1, wi, bi, w2, b2, g2, c2]) {
  const queries = heads(linear(x.ref, wq, bq));
  const keys = heads(linear(x.ref, wk, bk));
  const values = heads(linear(x.ref, wv, bv));
  const scores = np.matmul(queries, keys.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(HEAD));
  const mixed = np.matmul(nn.softmax(scores, -1), values).transpose([0, 2, 1, 3]).reshape([ROWS, WIDTH]);
  const middle = norm(linear(mixed, wo, bo).add(x), g1, b1);
  const narrow = linear(gelu(linear(middle.ref, wi, bi)), w2, b2);
  return norm(narrow.add(middle), g2, c2);
}

function unit(x) {
  const length = np.sqrt(np.sum(np.square(x.ref), 1, { keepdims: true }));
  return x.div(length);
}

function lossOf(parameters, states) {
  let x = norm(states, parameters[0], parameters[1]);
  for (let at = 2; at < parameters.length; at += 16) x = layer(x, parameters.slice(at, at + 16));
  const first = unit(x.reshape([SEQUENCES, LENGTH * WIDTH]).slice([], [0, WIDTH]));
  const half = SEQUENCES / 2;
  const [questions, passages] = [first.ref.slice([0, half]), first.slice([half, SEQUENCES])];
  const scores = np.matmul(questions, passages.transpose()).mul(data.SCALE);
  return np.sum(nn.logSoftmax(scores, 1).mul(np.eye(half))).mul(-1 / half);
}

function stepFunction() {
  const gradientOf = valueAndGrad(lossOf, { argnums: 0 });
  return jit((W, M, V, correction1, correction2, states) => {
    const [loss, gradients] = gradientOf(
      W.map((w) => w.ref),
      states,
    );
    const squares = gradients.map((gradient) => np.sum(np.square(gradient.ref)));
    const length = np.sqrt(squares.reduce((sum, one) => sum.add(one)));
    const clip = np.minimum(np.array(1).div(length.add(1e-6)), 1);
    const clipped = gradients.map((gradient) => gradient.mul(clip.ref));
    clip.dispose();
    const first = M.map((m, index) => m.mul(0.9).add(clipped[index].ref.mul(0.1)));
    const second = V.map((v, index) => v.mul(0.999).add(np.square(clipped[index]).mul(0.001)));
    const weights = W.map((w, index) => {
      const deviation = np.sqrt(second[index].ref.mul(correction2.ref)).add(1e-8);
      const change = first[index].ref.mul(correction1.ref).div(deviation).mul(data.LEARNING_RATE);
      return w.mul(1 - data.LEARNING_RATE * data.WEIGHT_DECAY).sub(change);
    });
    correction1.dispose();
    correction2.dispose();
    return [weights, first, second, loss];
  });
}

/** The function runs n steps and returns the last loss. */
export async function prepareLayers({ backend, layers }) {
  const devices = await init(backend);
  if (!devices.includes(backend)) throw new Error(`jax-js has no device ${backend} here`);
  defaultDevice(backend);
  const states = np.array(data.hiddenStates()).reshape([ROWS, WIDTH]);
  let W = data
    .shapesOf(layers)
    .map((tensor, index) => np.array(data.initialValues(tensor, index)).reshape(tensor[1]));
  let M = W.map((w) => np.zerosLike(w.ref));
  let V = W.map((w) => np.zerosLike(w.ref));
  const stepped = stepFunction();
  let step = 0;
  const one = () => {
    step++;
    const corrections = [np.array(1 / (1 - 0.9 ** step)), np.array(1 / (1 - 0.999 ** step))];
    let loss;
    [W, M, V, loss] = stepped(W, M, V, ...corrections, states.ref);
    return loss;
  };
  return async (count) => {
    for (let index = 0; index < count - 1; index++) one().dispose();
    return (await one().data())[0];
  };
}
