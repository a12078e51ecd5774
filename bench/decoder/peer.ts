/** The same answer by transformers.js over onnxruntime-web's wasm, one thread, in a process of its own. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as Library from "@xenova/transformers";
import { SMOL } from "./shape.ts";

// In Node it would look for onnxruntime's native build; what a page runs is its wasm.
Object.defineProperty(process, "release", { value: { ...process.release, name: "page" } });
const Transformers = await import("@xenova/transformers");

interface PeerJob {
  readonly folder: string; // holds "random" with config.json and onnx/
  readonly runtimeFolder: string; // onnxruntime-web's files
  readonly dtype: "fp32" | "q4";
  readonly tokens: number; // of the prompt
  readonly times: number; // new tokens
}

async function measure(job: PeerJob): Promise<Record<string, unknown>> {
  const model = await opened(job);
  const prompt = BigInt64Array.from({ length: job.tokens }, (_, token) =>
    BigInt((token * 7919) % SMOL.vocabSize),
  );
  const answer = async (count: number): Promise<{ seconds: number; cpuSeconds: number; made: number }> => {
    const [before, started] = [process.cpuUsage(), performance.now()];
    const made = (await model.generate({
      inputs: new Transformers.Tensor("int64", prompt.slice(), [1, job.tokens]),
      max_new_tokens: count,
      min_new_tokens: count,
      do_sample: false,
    })) as Library.Tensor;
    const { user, system } = process.cpuUsage(before);
    const seconds = (performance.now() - started) / 1000;
    return { seconds, cpuSeconds: (user + system) / 1e6, made: made.dims[1]! - job.tokens };
  };
  await answer(2);
  const [one, many] = [await answer(1), await answer(1 + job.times)];
  if (many.made !== 1 + job.times) throw new Error(`transformers.js made ${many.made} tokens`);
  return {
    name: `transformers.js ${Transformers.env.version}, ${job.dtype}`,
    promptSeconds: one.seconds,
    tokensPerSecond: job.times / (many.seconds - one.seconds),
    cpuSecondsPerToken: (many.cpuSeconds - one.cpuSeconds) / job.times,
    rssMiB: process.resourceUsage().maxRSS / 1024,
  };
}

/** Files come from disk alone. */
async function opened({ folder, runtimeFolder, dtype }: PeerJob): Promise<Library.PreTrainedModel> {
  const { env } = Transformers;
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = "/models/";
  env.useBrowserCache = false;
  env.useWasmCache = false;
  env.fetch = (address: string | URL): Promise<Response> => {
    const path = String(address).replace("/models/", "");
    try {
      return Promise.resolve(new Response(readFileSync(join(folder, path))));
    } catch {
      return Promise.resolve(new Response(null, { status: 404 }));
    }
  };
  const { wasm } = env.backends.onnx as { wasm?: { numThreads?: number; wasmPaths?: unknown } };
  const runtime = pathToFileURL(join(runtimeFolder, "ort-wasm-simd-threaded.asyncify")).href;
  if (wasm)
    Object.assign(wasm, { numThreads: 1, wasmPaths: { mjs: `${runtime}.mjs`, wasm: `${runtime}.wasm` } });
  return await Transformers.AutoModelForCausalLM.from_pretrained("random", { dtype, device: "wasm" });
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as PeerJob)));
process.exit(0); // onnxruntime's workers would keep it alive
