import type { Backend, Executable } from "../../../engine/backend.ts";
import { compile } from "../../../engine/compile.ts";
import type { Graph } from "../../../engine/graph.ts";
import type { StepResults } from "../../../engine/step-results.ts";
import type { Weights } from "../../matrix.ts";
import type { DecoderFolder } from "../../models/weights/llama-weights.ts";
import { writeDecoder } from "../../models/weights/write-decoder.ts";
import { ROTARY, rotaryValues } from "../../models/llama/inputs.ts";
import { EMBEDDINGS } from "../../models/llama/names.ts";
import type { StateTensors } from "../guarded-progress.ts";
import {
  captureParameters,
  readParameters,
  resetParameters,
  restoreParameters,
} from "../trained-parameters.ts";
import type { TracedDecoder } from "./traced-decoder.ts";

/** The executables of one decoder under training, all over the same weights, moments and step count. */
export class DecoderExecutables {
  readonly decoder: TracedDecoder;
  readonly #backend: Backend;
  readonly #folder: DecoderFolder;
  readonly #kept = new Map<string, Executable>(); // the first one holds all parameters and their moments
  #tableWritten = false;
  #baseWritten = false;

  constructor(backend: Backend, decoder: TracedDecoder, folder: DecoderFolder) {
    this.#backend = backend;
    this.decoder = decoder;
    this.#folder = folder;
  }

  /**
   * The executable of `key`, compiled where it is not there yet; the first one compiled must take steps with all parameters. The
   * frozen base is written, tensor by tensor, into the first one that reads it.
   */
  async compiled(key: string, build: (graph: Graph) => StepResults): Promise<Executable> {
    const known = this.#kept.get(key);
    if (known) return known;
    const [sharing] = this.#kept.values();
    let graph: Graph | undefined;
    const traced = (own: Graph): StepResults => build((graph = own));
    const executable = await compile(this.#backend, traced, sharing ? { sharing } : {});
    this.#kept.set(key, executable);
    await this.#writeFrozen(executable, graph!);
    return executable;
  }

  /** Starts over from `weights` (the trained ones): moments and step count are zero. A step must have been prepared. */
  reset(weights: Weights): void {
    resetParameters(this.#owner(), weights);
  }

  /** The trained weights as they are. */
  weights(): Promise<Weights> {
    return readParameters(this.#owner(), this.decoder.trained);
  }

  /** Weights, moments and step count by name: what `restore` puts back to the same bits. */
  capture(): Promise<Record<string, Float32Array>> {
    return captureParameters(this.#owner(), this.decoder.trained.keys());
  }

  restore(tensors: StateTensors): void {
    restoreParameters(this.#owner(), this.decoder.trained.keys(), tensors);
  }

  dispose(): void {
    for (const executable of [...this.#kept.values()].reverse()) executable.dispose();
    this.#kept.clear();
  }

  async #writeFrozen(executable: Executable, graph: Graph): Promise<void> {
    const reads = (resident: string): boolean =>
      graph.nodes.some(
        ({ operation }) => operation.kind === "resident" && operation.name.startsWith(resident),
      );
    const { config, positions } = this.decoder;
    if (!this.#tableWritten && reads(ROTARY)) {
      executable.write(ROTARY, rotaryValues(config, positions));
      this.#tableWritten = true;
    }
    if (!this.#baseWritten && reads(EMBEDDINGS)) {
      await writeDecoder(executable, this.#folder);
      this.#baseWritten = true;
    }
  }

  #owner(): Executable {
    const [first] = this.#kept.values();
    if (!first) throw new Error("DecoderExecutables: prepare a step before anything else");
    return first;
  }
}
