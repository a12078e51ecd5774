// The adapter step and the matrix product in @tensorflow/tfjs.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgpu";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
import {
  FEATURES,
  HIDDEN,
  LEARNING_RATE,
  ROWS,
  SCALE,
  WEIGHT_DECAY,
  linearWeights,
  trainingPairs,
  twoLayerWeights,
} from "./data.mjs";
import { normalValues } from "./data.mjs";

async function open(backend) {
  setWasmPaths("/peers/@tensorflow/tfjs-backend-wasm/dist/");
  setThreadsCount(1);
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs has no backend ${backend} here`);
  await tf.ready();
}

/** The two-layer adapter has LlamaIndex's learnt residual factor r, here starting at 1: y = r·f(x) + x. */
function parametersOf(twoLayer) {
  if (!twoLayer) return [tf.variable(tf.tensor2d(linearWeights().weight, [FEATURES, FEATURES]))];
  const { weight1, bias1, weight2, bias2 } = twoLayerWeights();
  return [
    tf.variable(tf.tensor2d(weight1, [HIDDEN, FEATURES])),
    tf.variable(tf.tensor1d(bias1)),
    tf.variable(tf.tensor2d(weight2, [FEATURES, HIDDEN])),
    tf.variable(tf.tensor1d(bias2)),
    tf.variable(tf.tensor1d([1])),
  ];
}

function adapter(parameters, x) {
  if (parameters.length === 1) return tf.matMul(x, parameters[0], false, true);
  const [weight1, bias1, weight2, bias2, r] = parameters;
  const hidden = tf.relu(tf.add(tf.matMul(x, weight1, false, true), bias1));
  return tf.add(tf.mul(tf.add(tf.matMul(hidden, weight2, false, true), bias2), r), x);
}

/** Prepares the training; `steps(n)` runs n of them and returns the last loss. */
export async function prepareAdapter({ backend, twoLayer, batchSize }) {
  await open(backend);
  const { queries, documents } = trainingPairs();
  const [Q, D] = [queries, documents].map((values) => tf.tensor2d(values, [ROWS, FEATURES]));
  const labels = tf.eye(batchSize);
  const parameters = parametersOf(twoLayer);
  const first = parameters.map((parameter) => tf.variable(tf.zerosLike(parameter)));
  const second = parameters.map((parameter) => tf.variable(tf.zerosLike(parameter)));
  let step = 0;
  const lossOf = (x, d) => {
    const y = adapter(parameters, x);
    const norm = tf.sqrt(tf.sum(tf.square(y), 1, true));
    const scores = tf.mul(tf.matMul(tf.div(y, norm), d, false, true), SCALE);
    return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(scores), labels), 1)));
  };
  const update = (parameter, gradient, index) => {
    const m = tf.add(tf.mul(first[index], 0.9), tf.mul(gradient, 0.1));
    const v = tf.add(tf.mul(second[index], 0.999), tf.mul(tf.square(gradient), 0.001));
    first[index].assign(m);
    second[index].assign(v);
    const mean = tf.div(m, 1 - 0.9 ** step);
    const deviation = tf.add(tf.sqrt(tf.div(v, 1 - 0.999 ** step)), 1e-8);
    const decayed = tf.mul(parameter, 1 - LEARNING_RATE * WEIGHT_DECAY);
    parameter.assign(tf.sub(decayed, tf.mul(tf.div(mean, deviation), LEARNING_RATE)));
  };
  const one = () =>
    tf.tidy(() => {
      const start = (step * batchSize) % ROWS;
      step++;
      const x = Q.slice([start, 0], [batchSize, FEATURES]);
      const d = D.slice([start, 0], [batchSize, FEATURES]);
      const { value, grads } = tf.variableGrads(() => lossOf(x, d), parameters);
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

/** Prepares C = A·B of size³; `steps(n)` runs n products. */
export async function prepareMatmul({ backend, size }) {
  await open(backend);
  const [A, B] = [1, 2].map((seed) => tf.tensor2d(normalValues(size * size, 1, seed), [size, size]));
  return async (count) => {
    for (let index = 0; index < count; index++) {
      const product = tf.matMul(A, B);
      if (index === count - 1) await product.slice([0, 0], [1, 1]).data();
      product.dispose();
    }
  };
}
