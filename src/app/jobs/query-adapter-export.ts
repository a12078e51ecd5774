import { CounterRandom } from "../../domain/random.ts";
import { cosineScores, unitRows } from "../../domain/eval/dense.ts";
import type { StoredAdapter } from "../../domain/formats/adapter-folder.ts";
import {
  readQueryAdapterFolder,
  writeQueryAdapterFolder,
} from "../../domain/formats/query-adapter-folder.ts";
import type { Matrix } from "../../domain/matrix.ts";
import { applyAdapter } from "../../domain/models/apply-adapter.ts";
import type { EncoderModel } from "../../domain/models/encoder-model.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { ExportedFolder } from "./tuned-exports.ts";

const PROBES = 32;
const CLOSE = 1e-5; // of a cosine: residual layers come back as other, equal layers

/**
 * An adapter and its encoder as one sentence-transformers folder whose question side carries the adapter. What is read
 * back must turn random unit vectors the same way.
 */
export function queryAdapterFolder(model: EncoderModel, adapter: StoredAdapter): ExportedFolder {
  const files = writeQueryAdapterFolder(model, adapter);
  const back = readQueryAdapterFolder(files, model.name).adapter;
  const probes = unitVectors(PROBES, model.config.hiddenSize);
  const [want, got] = [adapter, back].map(({ config, weights }) => applyAdapter(config, weights, probes));
  const cosines = cosineScores(want!, got!).values;
  for (let row = 0; row < PROBES; row++) {
    const cosine = cosines[row * PROBES + row]!;
    if (!(cosine > 1 - CLOSE)) {
      const text = `query-router: vector ${row} reads back at a cosine of ${cosine.toFixed(6)}; export again.`;
      throw new RetuneError("corrupt", text);
    }
  }
  return {
    files,
    verified: `${PROBES} vectors through the adapter that was read back, cosine above 0.99999`,
  };
}

function unitVectors(rows: number, columns: number): Matrix {
  const random = new CounterRandom(0);
  const values = Float32Array.from({ length: rows * columns }, () => random.uniform() - 0.5);
  return unitRows({ rows, columns, values });
}
