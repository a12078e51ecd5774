import { grad } from "../../engine/autodiff.ts";
import type { Backend, Executable, Feeds, LogRow } from "../../engine/backend.ts";
import { compile } from "../../engine/compile.ts";
import type { StepResults } from "../../engine/step-results.ts";
import type { Graph, Tensor } from "../../engine/graph.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import { gather, l2Normalize } from "../../engine/ops/rows.ts";
import { adamw } from "../../engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../engine/optim/clip.ts";
import type { PlanSummary } from "../../engine/plan.ts";
import { allDocumentsLoss } from "../losses/all-documents.ts";
import { inBatchLoss } from "../losses/in-batch.ts";
import type { Matrix, TensorData, Weights } from "../matrix.ts";
import type { AdapterConfig } from "../models/adapter-config.ts";
import { traceAdapter } from "../models/adapter-graph.ts";
import { parameterShapes, trainableNames } from "../models/adapter-weights.ts";
import { captureParameters, resetParameters, restoreParameters } from "./trained-parameters.ts";

/** Which step to compile; steps of one `AdapterSteps` share parameters, optimizer state and tables. */
export interface StepKind {
  readonly batchSize: number; // questions
  readonly scale: number; // 1 / temperature
  /**
   * "in-batch": feeds "queries", "documents" (rows of the tables).
   * "in-batch-groups": the same and "groups".
   * "all-documents": feeds "queries", "positives" [B, P], "rowGroups", "columnGroups" [documents].
   */
  readonly loss: "in-batch" | "in-batch-groups" | "all-documents";
  readonly positivesPerRow?: number; // P
}

export interface AdapterTables {
  readonly queries: Matrix; // [Q, D]
  readonly documents: Matrix; // [N, D], what the loss sees
  readonly corpus: Matrix; // [M, D], what held-out questions are ranked against
}

/** The compiled steps of one adapter: every step clips to norm 1, then AdamW with decay 0.01 on everything. */
export class AdapterSteps {
  readonly #backend: Backend;
  readonly #config: AdapterConfig;
  readonly #tables: AdapterTables;
  readonly #executables = new Map<string, Executable>();
  readonly #uploaded = new Set<keyof AdapterTables>();
  #traced = new Set<keyof AdapterTables>(); // tables of the graph being traced
  #untrained: ReadonlyMap<string, TensorData> = new Map();
  #main: Executable | undefined;
  #pending: Executable[] = [];

  constructor(backend: Backend, config: AdapterConfig, tables: AdapterTables) {
    this.#backend = backend;
    this.#config = config;
    this.#tables = tables;
  }

  /** Compiles what is not compiled yet. The first one prepared owns the parameters. */
  async prepare(kind: StepKind): Promise<PlanSummary> {
    return (await this.#step(kind)).plan;
  }

  /** Starts over from `weights`: moments and step count are zero. */
  reset(weights: Weights): void {
    this.#untrained = weights;
    const trained = trainableNames(this.#config).map((name) => [name, weights.get(name)!] as const);
    resetParameters(this.#owner(), new Map(trained));
  }

  /** One step, not waited for; its kind must have been prepared. */
  run(kind: StepKind, feeds: Feeds): void {
    const executable = this.#executables.get(keyOf(kind))!;
    executable.run(feeds);
    this.#pending.push(executable);
  }

  /** Loss and gradient norm of every step since the last call, in order, once the device has done them. */
  async collect(): Promise<readonly LogRow[]> {
    const rows = new Map<Executable, LogRow[]>();
    for (const executable of new Set(this.#pending)) {
      await executable.settle();
      rows.set(executable, [...(await executable.log())]);
    }
    const ordered = this.#pending.map((executable) => rows.get(executable)!.shift()!);
    this.#pending = [];
    return ordered;
  }

  /** Weights as they are, tensors without a gradient included, in the order of the state dict. */
  async weights(): Promise<Weights> {
    const trained = new Set(trainableNames(this.#config));
    const weights = new Map<string, TensorData>();
    for (const [name, shape] of parameterShapes(this.#config)) {
      if (trained.has(name)) weights.set(name, { shape, values: await this.#owner().read(name) });
      else weights.set(name, this.#untrained.get(name)!);
    }
    return weights;
  }

  /** Weights, moments and step count by name. */
  capture(): Promise<Record<string, Float32Array>> {
    return captureParameters(this.#owner(), trainableNames(this.#config));
  }

  /** Puts back what `capture` gave; `weights` are the initial ones, for tensors without a gradient. */
  restore(tensors: Readonly<Record<string, Float32Array>>, weights: Weights): void {
    this.#untrained = weights;
    restoreParameters(this.#owner(), trainableNames(this.#config), tensors);
  }

  /**
   * Dot products of questions, as they are or adapted, with the corpus' unit rows: [rows.length, M], read at once. A
   * step must have been prepared.
   */
  async scores(rows: Uint32Array, by: "base" | "adapted"): Promise<Float32Array> {
    const executable = await this.#compiled(`${by} scores of ${rows.length}`, (graph) => {
      const chosen = gather(this.#table(graph, "queries"), graph.input("rows", "u32", [rows.length]));
      const corpus = l2Normalize(this.#table(graph, "corpus")); // once, not at every call
      const queries = by === "base" ? chosen : traceAdapter(graph, this.#config).forward(chosen);
      return { outputs: { scores: matmul(queries, corpus, { transposeB: true }) } };
    });
    executable.run({ rows });
    return await executable.read("scores");
  }

  dispose(): void {
    for (const executable of this.#executables.values()) executable.dispose();
    this.#executables.clear();
  }

  #owner(): Executable {
    if (!this.#main) throw new Error("AdapterSteps: prepare a step before anything else");
    return this.#main;
  }

  #step(kind: StepKind): Promise<Executable> {
    return this.#compiled(keyOf(kind), (graph) => {
      const adapter = traceAdapter(graph, this.#config);
      const rows = graph.input("queries", "u32", [kind.batchSize]);
      const queries = adapter.forward(gather(this.#table(graph, "queries"), rows)); // [B, D]
      const loss = this.#loss(graph, kind, queries);
      const { gradients, norm } = clipByGlobalNorm(grad(loss, adapter.parameters), 1);
      const updates = adamw(adapter.parameters, gradients, { learningRate: graph.scalar("learningRate") });
      return { updates, log: { loss, norm } };
    });
  }

  #loss(graph: Graph, { batchSize, scale, loss, positivesPerRow = 1 }: StepKind, queries: Tensor): Tensor {
    const documents = this.#table(graph, "documents");
    if (loss === "all-documents") {
      return allDocumentsLoss(queries, documents, {
        scale,
        positives: graph.input("positives", "u32", [batchSize, positivesPerRow]),
        rowGroups: graph.input("rowGroups", "u32", [batchSize]),
        columnGroups: graph.input("columnGroups", "u32", [documents.shape[0]!]),
      });
    }
    const chosen = gather(documents, graph.input("documents", "u32", [batchSize])); // [B, D], frozen
    const groups = loss === "in-batch-groups" ? graph.input("groups", "u32", [batchSize]) : undefined;
    return inBatchLoss(queries, chosen, { scale, ...(groups ? { groups } : {}) });
  }

  #table(graph: Graph, name: keyof AdapterTables): Tensor {
    const { rows, columns } = this.#tables[name];
    this.#traced.add(name);
    return graph.resident(`${name}Table`, "f32", [rows, columns]);
  }

  #upload(executable: Executable, name: keyof AdapterTables): void {
    if (this.#uploaded.has(name)) return;
    executable.write(`${name}Table`, this.#tables[name].values);
    this.#uploaded.add(name);
  }

  async #compiled(key: string, build: (graph: Graph) => StepResults): Promise<Executable> {
    const known = this.#executables.get(key);
    if (known) return known;
    const tables = new Set<keyof AdapterTables>();
    this.#traced = tables;
    const executable = await compile(this.#backend, build, this.#main ? { sharing: this.#main } : {});
    this.#main ??= executable;
    this.#executables.set(key, executable);
    for (const name of tables) this.#upload(executable, name);
    return executable;
  }
}

function keyOf({ batchSize, scale, loss, positivesPerRow }: StepKind): string {
  return [loss, batchSize, scale, positivesPerRow ?? 1].join(" ");
}
