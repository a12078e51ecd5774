/** Our own encoder beside onnxruntime-web's wasm: the same model, texts and process, one thread each, turn by turn. */
import { readFileSync } from "node:fs";
import { diskModelFiles } from "../../cli/ports/encoder.ts";
import { readEncoderModel } from "../../src/app/encoders/own-models.ts";
import { OnnxEncoder } from "../../src/app/encoders/onnx-encoder.ts";
import { openTextEmbedder } from "../../src/domain/models/embed-texts.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import type { WasmBytes } from "../../src/engine/wasm/kernels.ts";

export interface EmbedBench {
  readonly folder: string; // of the model
  readonly data: string; // a dataset in LlamaIndex's JSON
  readonly questions: number;
  readonly passages: number;
  readonly rounds: number;
}

interface Contender {
  readonly name: string;
  readonly embed: (texts: readonly string[]) => Promise<{ readonly values: Float32Array }>;
  best: number; // CPU-seconds
}

/** Prints tokens per CPU-second of each, best of all rounds, and the largest difference of the vectors. */
export async function measureEmbedding(wasm: WasmBytes, options: EmbedBench): Promise<void> {
  const texts = mixedTexts(options);
  const files = diskModelFiles(options.folder);
  const model = await readEncoderModel(files);
  const contenders: Contender[] = [];
  let tokens = 0;
  for (const build of ["wasm-simd", "wasm-relaxed-simd"] as const) {
    const embedder = await openTextEmbedder(await openCpu(wasm, { build }), model);
    tokens = texts.reduce((sum, text) => sum + Math.min(model.maxTokens, embedder.countTokens(text)), 0);
    contenders.push({ name: `Retune ${build}`, embed: (some) => embedder.embed(some), best: Infinity });
  }
  const onnx = await OnnxEncoder.open(files, { device: "wasm", threads: 1 });
  contenders.push({ name: "onnxruntime-web wasm", embed: (some) => onnx.encode(some), best: Infinity });
  console.log(`${texts.length} texts, ${tokens} tokens`);
  const vectors: Float32Array[] = [];
  for (let round = 0; round <= options.rounds; round++) {
    for (const contender of contenders) {
      const before = process.cpuUsage();
      const { values } = await contender.embed(texts);
      const { user, system } = process.cpuUsage(before);
      const seconds = (user + system) / 1e6;
      if (round === 0) vectors.push(values);
      else contender.best = Math.min(contender.best, seconds);
    }
  }
  const last = contenders.at(-1)!;
  contenders.forEach(({ name, best }, index) => {
    const difference = vectors[index]!.reduce(
      (most, x, at) => Math.max(most, Math.abs(x - vectors.at(-1)![at]!)),
      0,
    );
    console.log(
      `  ${name}: ${(tokens / best).toFixed(0)} tokens per CPU-second, ${(last.best / best).toFixed(2)}×, ` +
        `largest difference ${difference.toExponential(1)}`,
    );
  });
}

/** Questions and passages in turn, as a project holds them. */
function mixedTexts({ data, questions, passages }: EmbedBench): readonly string[] {
  const { queries, corpus } = JSON.parse(readFileSync(data, "utf8")) as Record<
    string,
    Record<string, string>
  >;
  const asked = Object.values(queries!)
    .filter((_, index) => index % 7 === 0)
    .slice(0, questions);
  const read = Object.values(corpus!)
    .filter((_, index) => index % 5 === 0)
    .slice(0, passages);
  return asked.flatMap((text, index) => (index < read.length ? [text, read[index]!] : [text]));
}
