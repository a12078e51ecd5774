// What the teacher says: bge-small's unit vector of every text, by our own engine, kept in .cache/nano so that a second
// run need not embed again.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Backend } from "../../src/engine/backend.ts";
import { readNpy, writeNpy } from "../../src/domain/formats/npy.ts";
import type { Matrix } from "../../src/domain/matrix.ts";
import { bert } from "../../src/domain/models/bert/bert.ts";
import { bertConfigOf } from "../../src/domain/models/bert/config.ts";
import { batchInputs } from "../../src/domain/models/bert/inputs.ts";
import { encoderShapes } from "../../src/domain/models/bert/names.ts";
import { pooledUnit } from "../../src/domain/models/bert/pooling.ts";
import { traceWeights } from "../../src/domain/models/bert/weights.ts";
import type { EncoderModel } from "../../src/domain/models/encoder-model.ts";
import { SequenceInference } from "../../src/domain/models/inference.ts";
import { bertWeightsFrom } from "../../src/domain/models/weights/bert-weights.ts";
import type { TokenSequence } from "../../src/domain/text/pack.ts";

/** The teacher from its folder: config.json, tokenizer files, onnx/model.onnx. */
export function openTeacher(folder: string): EncoderModel {
  const files = new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length + 1), new Uint8Array(readFileSync(path))]),
  );
  const text = (name: string): string => new TextDecoder().decode(files.get(name));
  const { weights } = bertWeightsFrom(files);
  return {
    name: "bge-small-en-v1.5",
    config: bertConfigOf(JSON.parse(text("config.json")) as Record<string, unknown>),
    weights,
    tokenizer: {
      tokenizerJson: text("tokenizer.json"),
      tokenizerConfigJson: text("tokenizer_config.json"),
    },
    pooling: "cls",
    normalize: true,
    maxTokens: 512,
    prompts: { query: "Represent this sentence for searching relevant passages: ", document: "" },
  };
}

/** sequences [n] → unit vectors [n, D]; read from `cache` where the same were asked before. */
export async function teacherVectors(
  backend: Backend,
  { config, weights, pooling, name }: EncoderModel,
  sequences: readonly TokenSequence[],
  cache: string,
): Promise<Matrix> {
  const asked = createHash("sha256").update(name);
  for (const { ids } of sequences) asked.update(Uint32Array.from(ids));
  const path = join(cache, `teacher-${asked.digest("hex").slice(0, 16)}.npy`);
  if (existsSync(path)) return readNpy(new Uint8Array(readFileSync(path)), path);
  const shapes = encoderShapes(config);
  const inference = new SequenceInference({
    ...{ backend, pooling, weights, width: config.hiddenSize },
    trace: (graph, bucket) => {
      const batch = batchInputs(graph, bucket, pooling);
      const traced = traceWeights(graph, shapes, () => false);
      return pooledUnit(bert(config, traced, batch), batch);
    },
  });
  const started = performance.now();
  let told = 0;
  const values = await inference.run(sequences, {
    onProgress: ({ done, total }) => {
      const percent = Math.floor((100 * done) / total);
      if (percent < told + 5) return;
      told = percent;
      console.error(`teacher: ${percent} % of ${total} tokens, ${seconds(started)} s`);
    },
  });
  inference.dispose();
  const matrix = { rows: sequences.length, columns: config.hiddenSize, values };
  writeFileSync(path, writeNpy(matrix));
  return matrix;
}

export function seconds(since: number): number {
  return Math.round((performance.now() - since) / 1000);
}
