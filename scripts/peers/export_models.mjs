// Entry for cli/launch.mjs: every folder of a tuned model below FOLDER/models, with what our own kernels compute of the
// parity texts. The models are the tiny fixtures after a change of every weight, as a training would leave them.
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { clusterFolder } from "../../src/app/jobs/cluster-export.ts";
import {
  readCrossEncoderFolder,
  writeCrossEncoderFolder,
} from "../../src/domain/formats/cross-encoder-folder.ts";
import { writeModelCard } from "../../src/domain/formats/model-card.ts";
import { PARITY_PAIRS, PARITY_TEXTS } from "../../src/domain/formats/parity-texts.ts";
import { writeParity } from "../../src/domain/formats/parity.ts";
import { readPeftFolder, writePeftFolder } from "../../src/domain/formats/peft-folder.ts";
import { writeQueryAdapterFolder } from "../../src/domain/formats/query-adapter-folder.ts";
import {
  readSentenceTransformersFolder,
  writeSentenceTransformersFolder,
} from "../../src/domain/formats/sentence-transformers-folder.ts";
import { writeTransformersJsFolder } from "../../src/domain/formats/transformersjs-folder.ts";
import { parameterShapes } from "../../src/domain/models/adapter-weights.ts";
import { applyAdapter } from "../../src/domain/models/apply-adapter.ts";
import { openTextEmbedder } from "../../src/domain/models/embed-texts.ts";
import { interpolateModel, scaleLora } from "../../src/domain/models/interpolate.ts";
import { mergeLora } from "../../src/domain/models/merge-lora.ts";
import { openPairScorer } from "../../src/domain/models/score-pairs.ts";
import { openEncoderRun } from "../../src/domain/recipes/encoder/encoder.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { clusterJobs } from "./cluster_jobs.mjs";

const PRECISIONS = ["fp32", "fp16", "int8"];

/** @param {string[]} argv [FOLDER] @param {{ root: string }} place */
export async function main([folder], { root }) {
  const simd = readFileSync(join(root, "src/engine/wasm/build/simd.wasm"));
  const backend = await openCpu({ simd: new Uint8Array(simd) });
  const exporter = new Exporter(backend, join(folder, "models"), join(root, "tests/fixtures/formats"));
  await exporter.encoders();
  await exporter.adapters();
  await exporter.crossEncoders();
  await exporter.cluster();
  backend.dispose();
  return 0;
}

class Exporter {
  constructor(backend, out, fixtures) {
    Object.assign(this, { backend, out, fixtures });
    const { model } = readSentenceTransformersFolder(this.files("st-tiny"), "tiny");
    this.base = model;
    this.tuned = { ...changed(model, 0.02), prompts: { query: "find: ", document: "" }, maxTokens: 48 };
    this.lora = this.grown(readPeftFolder(this.files("peft-tiny")).adapter);
  }

  async encoders() {
    const { base, tuned } = this;
    const mean = { ...tuned, pooling: "mean", normalize: false };
    await this.encoder("st-cls", tuned);
    await this.encoder("st-mean", mean);
    await this.encoder("st-half-way", interpolateModel(base, tuned, 0.5));
    await this.encoder("st-merged-lora", { ...tuned, weights: mergeLora(tuned.weights, this.lora) });
    const graph = this.files("tiny-bert").get("onnx/model.onnx");
    await this.onnx("onnx-own-graph", tuned, { sentenceVector: true });
    await this.onnx("onnx-base-graph", mean, { sentenceVector: true, base: graph });
    await this.onnx("onnx-bare", mean, {});
  }

  async adapters() {
    const { tuned } = this;
    const layers = { features: 32, hiddenFeatures: 24, residual: true, bias: true };
    await this.queryAdapter("query-linear", { kind: "linear", features: 32, bias: false });
    await this.queryAdapter("query-linear-bias", { kind: "linear", features: 32, bias: true });
    await this.queryAdapter("query-relu-residual", { kind: "two-layer", activation: "relu", ...layers });
    await this.queryAdapter("query-gelu-residual", { kind: "two-layer", activation: "gelu", ...layers });
    await this.encoder("peft-base", tuned);
    for (const [name, adapter] of [
      ["peft-lora", this.lora],
      ["peft-rs-lora", { ...this.lora, rsLora: true }],
      ["peft-half", scaleLora(this.lora, 0.5)],
    ]) {
      const files = writePeftFolder(adapter, { base: "tiny", task: "encoder", layers: 2 });
      const vectors = await this.vectors({ ...tuned, weights: mergeLora(tuned.weights, adapter) });
      this.write(name, "peft-encoder", files, this.vectorOutputs(tuned, vectors));
    }
  }

  async crossEncoders() {
    const given = readCrossEncoderFolder(this.files("cross-encoder-tiny"), "tiny");
    const model = changed(given, 0.02);
    const identity = { ...model, activation: "identity", maxTokens: 32 };
    for (const [name, each] of [
      ["ce-sigmoid", model],
      ["ce-identity", identity],
      ["ce-base", model],
    ]) {
      this.write(name, "cross-encoder", writeCrossEncoderFolder(each), await this.logits(each));
    }
    const onnx = writeTransformersJsFolder(model, { precisions: PRECISIONS });
    this.write("onnx-cross-encoder", "onnx", onnx, await this.logits(model));
    const head = ["classifier.weight", "classifier.bias"].map((name) => {
      const { shape, values } = model.weights.get(name);
      return [name, { shape, values: values.map((value) => 2 * value + 0.1) }];
    });
    const adapter = { ...this.lora, weights: new Map([...this.lora.weights, ...head]) };
    const files = writePeftFolder(adapter, { base: "tiny", task: "cross-encoder", layers: 2 });
    const merged = { ...model, weights: mergeLora(model.weights, adapter) };
    this.write("peft-cross-encoder", "peft-cross-encoder", files, await this.logits(merged));
  }

  /** Trainings of uneven batches, and what our own steps say of them: the script must take the same ones. */
  async cluster() {
    for (const [name, { lora, ...job }] of Object.entries(clusterJobs())) {
      const base = join(this.out, "peft-base");
      const given = { ...job, model: { ...this.tuned, name: base } };
      this.put(name, clusterFolder(given).files);
      if (lora) continue; // LoRA's first matrices are drawn by each program's own generator
      const run = await openEncoderRun(this.backend, given);
      const steps = run.steps();
      for (let next = await steps.next(); !next.done; next = await steps.next());
      const { losses } = await run.keep();
      run.dispose();
      writeFileSync(join(this.out, name, "retune_losses.json"), JSON.stringify(losses));
    }
  }

  async encoder(name, model) {
    const outputs = this.vectorOutputs(model, await this.vectors(model));
    this.write(name, "sentence-transformers", writeSentenceTransformersFolder(model), outputs);
  }

  async onnx(name, model, options) {
    const files = writeTransformersJsFolder(model, { precisions: PRECISIONS, ...options });
    this.write(name, "onnx", files, this.vectorOutputs(model, await this.vectors(model)));
  }

  async queryAdapter(name, config) {
    const weights = new Map(
      Array.from(parameterShapes(config), ([key, shape], index) => {
        const length = shape.reduce((product, size) => product * size, 1);
        const values = Float32Array.from({ length }, (_, at) => Math.sin(7 * at + index) / 2);
        return [key, { shape, values }];
      }),
    );
    const queries = await this.vectors(this.tuned, this.tuned.prompts.query);
    const adapted = applyAdapter(config, weights, queries);
    const outputs = this.vectorOutputs(this.tuned, await this.vectors(this.tuned));
    const files = writeQueryAdapterFolder(this.tuned, { config, weights });
    this.write(name, "query-adapter", files, { ...outputs, queryVectors: adapted });
  }

  async vectors(model, prompt = "") {
    const embedder = await openTextEmbedder(this.backend, model);
    const vectors = await embedder.embed(PARITY_TEXTS.map((text) => prompt + text));
    embedder.dispose();
    return vectors;
  }

  vectorOutputs({ pooling, maxTokens }, vectors) {
    return { kind: "vectors", vectors, pooling, maxTokens };
  }

  async logits(model) {
    const scorer = await openPairScorer(this.backend, model);
    const logits = await scorer.score(PARITY_PAIRS);
    scorer.dispose();
    return { kind: "logits", logits, maxTokens: model.maxTokens };
  }

  write(name, layout, files, outputs) {
    const card = { layout, name, base: "tiny", recipe: "test", facts: { questions: 3 } };
    this.put(name, new Map([...files, ...writeParity(outputs, layout), ["README.md", writeModelCard(card)]]));
  }

  put(name, files) {
    for (const [path, bytes] of files) {
      const file = join(this.out, name, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
  }

  /** The fixture's adapter with B matrices that are large enough to matter. */
  grown(adapter) {
    const weights = Array.from(adapter.weights, ([name, { shape, values }]) => [
      name,
      { shape, values: values.map((value, at) => value + 0.2 * Math.cos(3 * at)) },
    ]);
    return { ...adapter, weights: new Map(weights) };
  }

  files(name) {
    return filesBelow(join(this.fixtures, name));
  }
}

function changed(model, size) {
  const weights = Array.from(model.weights, ([name, { shape, values }], index) => [
    name,
    { shape, values: values.map((value, at) => value + size * Math.sin(5 * at + index)) },
  ]);
  return { ...model, weights: new Map(weights) };
}

function filesBelow(folder, path = "") {
  return new Map(
    readdirSync(join(folder, path)).flatMap((name) => {
      const child = path === "" ? name : `${path}/${name}`;
      if (statSync(join(folder, child)).isDirectory()) return [...filesBelow(folder, child)];
      return [[child, new Uint8Array(readFileSync(join(folder, child)))]];
    }),
  );
}
