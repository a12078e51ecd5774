import type * as Transformers from "@xenova/transformers";
import type { Chat } from "../../domain/synth/chat-generator.ts";
import { RetuneError } from "../../engine/errors.ts";
import { instructPrecision } from "./instruct-files.ts";
import type { ModelFiles } from "./model-files.ts";
import type { RuntimeOptions } from "./onnx-runtime.ts";

/** A folder of files whose names are known. */
export interface ListedFiles extends ModelFiles {
  readonly id: string; // of the model here: letters, digits and dashes
  readonly paths: ReadonlySet<string>;
}

const MOST_TOKENS = 400; // of one answer: ten questions are some 200

/** A small instruct model, run by transformers.js from files that are here. Nothing is fetched but onnxruntime's own wasm. */
export class InstructModel implements Chat {
  readonly name: string;
  readonly identity: string;
  private readonly generator: Transformers.TextGenerationPipeline;
  private readonly interrupt: Transformers.InterruptableStoppingCriteria;

  private constructor(
    files: ListedFiles,
    generator: Transformers.TextGenerationPipeline,
    interrupt: Transformers.InterruptableStoppingCriteria,
  ) {
    this.name = files.name;
    this.identity = `transformers.js ${files.id}`;
    this.generator = generator;
    this.interrupt = interrupt;
  }

  /** "model-missing": files that an instruct model needs are not there. E_ONNX: it does not load. */
  static async open(files: ListedFiles, options: RuntimeOptions): Promise<InstructModel> {
    const dtype = instructPrecision(files.name, files.paths);
    const library = await import("@xenova/transformers");
    serveFrom(library.env, files, options);
    try {
      const generator = await library.pipeline("text-generation", `retune/${files.id}`, {
        dtype,
        device: options.device,
      });
      return new InstructModel(files, generator, new library.InterruptableStoppingCriteria());
    } catch (error) {
      if (error instanceof RetuneError) throw error;
      const text = `${files.name} could not be loaded as an instruct model: ${String(error)}`;
      throw new RetuneError(
        "E_ONNX",
        `${text} Choose a text-generation model in ONNX format.`,
        {},
        { cause: error },
      );
    }
  }

  /** The model's answer by greedy decoding, so that the same prompt gives the same words. */
  async ask(prompt: string, signal?: AbortSignal): Promise<string> {
    const stop = (): void => this.interrupt.interrupt();
    this.interrupt.reset();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const answer = await this.generator([{ role: "user", content: prompt }], {
        max_new_tokens: MOST_TOKENS,
        do_sample: false,
        stopping_criteria: this.interrupt as unknown as Transformers.StoppingCriteriaList,
      });
      if (signal?.aborted) throw new RetuneError("cancelled", "Question generation was cancelled.");
      return textOf(answer);
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  async close(): Promise<void> {
    await this.generator.dispose();
  }
}

/** The assistant's last turn of what the pipeline gives back. */
function textOf(answer: unknown): string {
  const first = (answer as { generated_text?: unknown }[])[0]?.generated_text;
  if (typeof first === "string") return first;
  const last = (first as { content?: unknown }[] | undefined)?.at(-1)?.content;
  return typeof last === "string" ? last : "";
}

/** Lets transformers.js find the files of this model and no others, and onnxruntime on this site. */
function serveFrom(env: typeof Transformers.env, files: ListedFiles, options: RuntimeOptions): void {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = "/";
  env.useBrowserCache = false;
  env.useWasmCache = false;
  const folder = `/retune/${files.id}/`;
  env.fetch = async (address: string | URL): Promise<Response> => {
    const path = String(address);
    const bytes = path.startsWith(folder) ? await files.read(path.slice(folder.length)) : undefined;
    if (!bytes) return new Response(null, { status: 404 });
    return new Response(bytes, { headers: { "content-length": String(bytes.length) } });
  };
  const { wasm } = env.backends.onnx as { wasm?: { numThreads?: number; wasmPaths?: unknown } };
  if (!wasm || options.wasmFolder === undefined) return;
  const file = `${options.wasmFolder}ort-wasm-simd-threaded.asyncify`; // the build that transformers.js is made for
  wasm.numThreads = options.threads;
  wasm.wasmPaths = { mjs: `${file}.mjs`, wasm: `${file}.wasm` };
}
