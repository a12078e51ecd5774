// The step of bge-small's layers in @tensorflow/tfjs.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgpu";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
import * as data from "./layers-data.mjs";

const { WIDTH, HEADS, SEQUENCES, LENGTH, ROWS } = data;
const HEAD = WIDTH / HEADS;

function norm(x, gamma, beta) {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.div(centred, tf.sqrt(tf.add(variance, data.EPSILON))), gamma), beta);
}

const linear = (x, weight, bias) => tf.add(tf.matMul(x, weight, false, true), bias);

const gelu = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

const heads = (x) => tf.transpose(tf.reshape(x, [SEQUENCES, LENGTH, HEADS, HEAD]), [0, 2, 1, 3]);

function layer(x, [wq, bq, wk, bk, wv, bv, wo, bo, g1, b1, wi, bi, w2, b2, g2, c2]) {
  const [queries, keys, values] = [
    heads(linear(x, wq, bq)),
    heads(linear(x, wk, bk)),
    heads(linear(x, wv, bv)),
  ];
  const scores = tf.mul(tf.matMul(queries, keys, false, true), 1 / Math.sqrt(HEAD));
  const mixed = tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), values), [0, 2, 1, 3]), [ROWS, WIDTH]);
  const middle = norm(tf.add(linear(mixed, wo, bo), x), g1, b1);
  const narrow = linear(gelu(linear(middle, wi, bi)), w2, b2);
  return norm(tf.add(narrow, middle), g2, c2);
}

const unit = (x) => tf.div(x, tf.sqrt(tf.sum(tf.square(x), 1, true)));

function lossOf(parameters, states) {
  let x = norm(states, parameters[0], parameters[1]);
  for (let at = 2; at < parameters.length; at += 16) x = layer(x, parameters.slice(at, at + 16));
  const first = unit(tf.slice(tf.reshape(x, [SEQUENCES, LENGTH * WIDTH]), [0, 0], [SEQUENCES, WIDTH]));
  const half = SEQUENCES / 2;
  const [questions, passages] = [
    tf.slice(first, [0, 0], [half, WIDTH]),
    tf.slice(first, [half, 0], [half, WIDTH]),
  ];
  const scores = tf.mul(tf.matMul(questions, passages, false, true), data.SCALE);
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(scores), tf.eye(half)), 1)));
}

/** The function runs n steps and returns the last loss. */
export async function prepareLayers({ backend, layers }) {
  setWasmPaths("/peers/@tensorflow/tfjs-backend-wasm/dist/");
  setThreadsCount(1);
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs has no backend ${backend} here`);
  await tf.ready();
  const states = tf.tensor2d(data.hiddenStates(), [ROWS, WIDTH]);
  const parameters = data
    .shapesOf(layers)
    .map((tensor, index) => tf.variable(tf.tensor(data.initialValues(tensor, index), tensor[1])));
  const first = parameters.map((parameter) => tf.variable(tf.zerosLike(parameter)));
  const second = parameters.map((parameter) => tf.variable(tf.zerosLike(parameter)));
  let step = 0;
  const update = (parameter, gradient, index) => {
    const m = tf.add(tf.mul(first[index], 0.9), tf.mul(gradient, 0.1));
    const v = tf.add(tf.mul(second[index], 0.999), tf.mul(tf.square(gradient), 0.001));
    first[index].assign(m);
    second[index].assign(v);
    const deviation = tf.add(tf.sqrt(tf.div(v, 1 - 0.999 ** step)), 1e-8);
    const change = tf.mul(tf.div(tf.div(m, 1 - 0.9 ** step), deviation), data.LEARNING_RATE);
    parameter.assign(tf.sub(tf.mul(parameter, 1 - data.LEARNING_RATE * data.WEIGHT_DECAY), change));
  };
  const one = () =>
    tf.tidy(() => {
      step++;
      const { value, grads } = tf.variableGrads(() => lossOf(parameters, states), parameters);
      const squares = parameters.map(({ name }) => tf.sum(tf.square(grads[name])));
      const clip = tf.minimum(1, tf.div(1, tf.add(tf.sqrt(tf.addN(squares)), 1e-6)));
      for (const [index, parameter] of parameters.entries()) {
        update(parameter, tf.mul(grads[parameter.name], clip), index);
      }
      return tf.keep(value);
    });
  return async (count) => {
    let loss;
    for (let index = 0; index < count; index++) {
      loss?.dispose();
      loss = one();
    }
    const [value] = await loss.data();
    loss.dispose();
    return value;
  };
}
