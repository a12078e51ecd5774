import { openPairScorer } from "../../domain/models/score-pairs.ts";
import type { PairScorer } from "../../domain/models/score-pairs.ts";
import { cosineScores } from "../../domain/eval/dense.ts";
import type { Matrix } from "../../domain/matrix.ts";
import { routerScores } from "../../domain/recipes/router/route.ts";
import type { TrainedRouter } from "../../domain/recipes/router/router-job.ts";
import type { Backend } from "../../engine/backend.ts";
import type { ModelPlaces } from "../encoders/model-source.ts";
import { memoryModelFiles } from "../encoders/model-files.ts";
import { factsOfWeights } from "../encoders/own-models.ts";
import { loadTrained } from "../jobs/trained-store.ts";
import { routeSide } from "../jobs/route.ts";
import type { EmbedMethods, WeightFacts } from "../protocol/calls.ts";
import type { Handlers, HostControl } from "../protocol/host.ts";
import type { RunRecord } from "../storage/records.ts";
import type { RouteSide } from "../studio-routers.ts";
import { contentsOf } from "./embed-service.ts";
import type { EmbedService } from "./embed-service.ts";

export interface InferencePorts extends ModelPlaces {
  readonly openBackend: () => Promise<Backend>;
}

/** Uses what was trained here, one question at a time: the other half of the embed worker. */
export class InferenceService {
  private readonly ports: InferencePorts;
  private readonly embedding: EmbedService;
  private scorer: { readonly runId: string; readonly opened: Promise<PairScorer> } | undefined;

  constructor(ports: InferencePorts, embedding: EmbedService) {
    this.ports = ports;
    this.embedding = embedding;
  }

  readonly rerank: Handlers<EmbedMethods>["rerank"] = async ({ runId, text, passages }, control) => {
    const scorer = await this.scorerOf(runId);
    return scorer.score(
      passages.map((passage) => [text, passage]),
      control,
    );
  };

  readonly route: Handlers<EmbedMethods>["route"] = async ({ request }, control) => {
    const started = performance.now();
    const { workspace, openBackend } = this.ports;
    const { runId, text, top } = request;
    const run = await workspace.runs.get(runId);
    const router = await loadTrained(workspace.checkpoints, runId, "router");
    const vectors = await this.vectorsFor(run, router, text, control);
    const backend = await openBackend();
    try {
      const scores = await routerScores(backend, router, { texts: [text], ...vectors }, control);
      const tuned = routeSide(scores.values, router.choices, router.calibration, top);
      return { base: baseSide(router, vectors, top), tuned, milliseconds: performance.now() - started };
    } finally {
      backend.dispose();
    }
  };

  /** The question by the encoder that a head was trained on; routers with a model of their own need none. */
  private async vectorsFor(
    run: RunRecord,
    router: TrainedRouter,
    text: string,
    control: HostControl,
  ): Promise<{ readonly vectors?: Matrix }> {
    if (router.kind === "encoder" || router.kind === "cross-encoder") return {};
    const request = { encoderId: run.encoderId, instruction: router.queryInstruction, texts: [text] };
    const values = await this.embedding.encode(request, control);
    return { vectors: { rows: 1, columns: values.length, values } };
  }

  async inspectWeights({ files, name }: EmbedMethods["inspectWeights"]["params"]): Promise<WeightFacts> {
    return factsOfWeights(memoryModelFiles(name, await contentsOf(files)));
  }

  /** The re-ranker asked last stays open: the next question is likely for it too. */
  private async scorerOf(runId: string): Promise<PairScorer> {
    if (this.scorer?.runId === runId) return this.scorer.opened;
    (await this.scorer?.opened.catch(() => undefined))?.dispose();
    const opened = this.openScorer(runId);
    this.scorer = { runId, opened };
    opened.catch(() => (this.scorer = undefined));
    return opened;
  }

  private async openScorer(runId: string): Promise<PairScorer> {
    const { model } = await loadTrained(this.ports.workspace.checkpoints, runId, "cross-encoder");
    const backend = await this.ports.openBackend();
    const scorer = await openPairScorer(backend, model);
    const dispose = (): void => {
      scorer.dispose();
      backend.dispose();
    };
    return { score: (pairs, control) => scorer.score(pairs, control), dispose };
  }
}

/** The base's own answer: cosine of question and description, where the router has vectors of them. */
function baseSide(
  router: TrainedRouter,
  { vectors }: { readonly vectors?: Matrix },
  top: number,
): RouteSide | null {
  if (router.kind !== "adapter" || !vectors) return null;
  const scores = cosineScores(vectors, router.choiceVectors);
  return routeSide(scores.values, router.choices, router.baseCalibration, top);
}
