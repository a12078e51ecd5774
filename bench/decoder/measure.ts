/** One measurement of a decoder of SmolLM2-135M's shape, in a process of its own so that its memory is its own. */
import { readFileSync } from "node:fs";
import { nodeThreads } from "../../cli/ports/node-threads.ts";
import type { ChatFormat } from "../../src/domain/chat/chat-format.ts";
import { openLanguageModel } from "../../src/domain/generate/open-language-model.ts";
import type { FrozenKind } from "../../src/domain/models/llama/frozen.ts";
import { decoderInputs, ROTARY, rotaryValues } from "../../src/domain/models/llama/inputs.ts";
import {
  ALL_DECODER_LINEAR,
  initialDecoderLora,
  withDecoderLora,
} from "../../src/domain/models/llama/lora.ts";
import { supervisedFeeds, supervisedLoss } from "../../src/domain/models/llama/supervision.ts";
import { traceLlama } from "../../src/domain/models/llama/weights.ts";
import { writeDecoder } from "../../src/domain/models/weights/write-decoder.ts";
import { grad } from "../../src/engine/autodiff.ts";
import type { Backend, Executable } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { openWebGpu } from "../../src/engine/backends/webgpu.ts";
import { compile } from "../../src/engine/compile.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import { randomDecoder, SMOL } from "./shape.ts";

export interface Job {
  readonly what: "step" | "generate";
  readonly device: "cpu" | "webgpu";
  readonly frozen: FrozenKind;
  readonly tokens: number; // of a step, or of the prompt
  readonly times: number; // steps, or new tokens
  readonly threads: number;
  readonly wasm: { readonly simd: string; readonly relaxed: string }; // paths
}

const LORA = { rank: 8, alpha: 16, rsLora: false, targets: ALL_DECODER_LINEAR };
const SUPERVISED = 0.25;

interface Spent {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function measure(job: Job): Promise<Record<string, unknown>> {
  const backend = await openBackend(job);
  const figures = job.what === "step" ? await measureSteps(backend, job) : await measureAnswer(backend, job);
  const rssMiB = process.resourceUsage().maxRSS / 1024;
  return { ...job, ...figures, label: backend.label, rssMiB };
}

async function openBackend({ device, wasm, threads }: Job): Promise<Backend> {
  if (device === "cpu") {
    const [simd, relaxed] = [wasm.simd, wasm.relaxed].map((path) => new Uint8Array(readFileSync(path)));
    return await openCpu(
      { simd: simd!, relaxed: relaxed! },
      threads > 1 ? { threads: nodeThreads(threads) } : {},
    );
  }
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  return await openWebGpu(create([]));
}

/** A LoRA step over all linear layers: one sequence, layers computed again in the backward pass, a quarter of the tokens learnt. */
async function compileStep(backend: Backend, { frozen, tokens }: Job): Promise<Executable> {
  return await compile(backend, (graph) => {
    const base = traceLlama(graph, SMOL, () => false, { frozen });
    const weights = withDecoderLora(graph, SMOL, base, LORA);
    const inputs = decoderInputs(graph, SMOL, { rows: tokens, segments: 1, longest: tokens }, tokens);
    const loss = supervisedLoss(SMOL, weights, inputs, tokens * SUPERVISED, { recompute: true });
    const { gradients, norm } = clipByGlobalNorm(grad(loss, weights.parameters()), 1);
    const settings = { learningRate: graph.constant(1e-4), betas: [0.9, 0.999], epsilon: 1e-8 } as const;
    const updates = adamw(weights.parameters(), gradients, { ...settings, weightDecay: 0 });
    return { updates, log: { loss, norm } };
  });
}

async function measureSteps(backend: Backend, job: Job): Promise<Record<string, unknown>> {
  const { tokens, times } = job;
  const step = await compileStep(backend, job);
  const { seconds: writing } = await spent(async () => {
    await writeDecoder(step, randomDecoder());
    await step.settle();
  });
  for (const [name, { values }] of initialDecoderLora(SMOL, LORA, 1).weights) step.write(name, values);
  step.write(ROTARY, rotaryValues(SMOL, tokens));
  const ids = Array.from({ length: tokens }, (_, token) => (token * 7919) % SMOL.vocabSize);
  const supervised = ids.map((_, token) => token >= tokens * (1 - SUPERVISED));
  const feeds = supervisedFeeds(
    [{ ids, supervised }],
    { rows: tokens, segments: 1, longest: tokens },
    tokens * SUPERVISED,
  );
  const run = async (count: number): Promise<void> => {
    for (let time = 0; time < count; time++) step.run(feeds);
    await step.settle();
  };
  if (job.device === "webgpu") await run(2); // compiles, and fills queues
  const { seconds, cpuSeconds } = await spent(() => run(times));
  const [logged] = (await step.log()).slice(-1);
  const { launches, flops, peakBytes } = step.plan;
  return {
    ...{
      seconds: seconds / times,
      cpuSeconds: cpuSeconds / times,
      tokensPerSecond: (tokens * times) / seconds,
    },
    ...{ writing, launches, gflopPerToken: flops / tokens / 1e9, plannedMiB: peakBytes / 2 ** 20 },
    ...{ gflopPerSecond: (flops * times) / seconds / 1e9, loss: logged?.["loss"] },
  };
}

/** Tokens a second of one answer beyond its first token. */
async function measureAnswer(backend: Backend, job: Job): Promise<Record<string, unknown>> {
  const { frozen, tokens, times } = job;
  const format = { tokenizer: { decode: () => "" }, endOfTurn: new Set() } as unknown as ChatFormat; // texts do not matter here
  const model = await openLanguageModel(backend, {
    ...{ name: "random", config: SMOL, format, weights: randomDecoder() },
    ...{ trace: { frozen }, contextTokens: 512 },
  });
  const prompt = Array.from({ length: tokens }, (_, token) => (token * 7919) % SMOL.vocabSize);
  const answer = (maxTokens: number): Promise<Spent> =>
    spent(async () => void (await model.generate([prompt], { maxTokens })));
  await answer(2);
  const [one, many] = [await answer(1), await answer(1 + times)];
  return {
    promptSeconds: one.seconds,
    tokensPerSecond: times / (many.seconds - one.seconds),
    cpuSecondsPerToken: (many.cpuSeconds - one.cpuSeconds) / times,
  };
}

async function spent(work: () => Promise<void>): Promise<Spent> {
  const [before, started] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 };
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as Job)));
process.exit(0); // helpers and Dawn would keep it alive
