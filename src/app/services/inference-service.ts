import { openPairScorer } from "../../domain/models/score-pairs.ts";
import type { PairScorer } from "../../domain/models/score-pairs.ts";
import type { CrossEncoderModel } from "../../domain/models/encoder-model.ts";
import { cosineScores } from "../../domain/eval/dense.ts";
import type { TrainedRouter } from "../../domain/recipes/router/router-job.ts";
import type { Backend } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { ModelPlaces } from "../encoders/model-source.ts";
import { OwnEncoder } from "../encoders/own-encoder.ts";
import { memoryModelFiles } from "../encoders/model-files.ts";
import { factsOfWeights } from "../encoders/own-models.ts";
import { loadTrained } from "../jobs/trained-store.ts";
import { routeSide, routerScores } from "../jobs/route.ts";
import type { RouterReaders } from "../jobs/route.ts";
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
  private tuned: { readonly runId: string; readonly opened: Promise<OwnEncoder> } | undefined;

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
    const { workspace } = this.ports;
    const { runId, text, top } = request;
    const run = await workspace.runs.get(runId);
    const router = await loadTrained(workspace.checkpoints, runId, "router");
    const readers = this.readersOf(run, router, control);
    const scores = await routerScores(router, [text], readers);
    const tuned = routeSide(scores.values, router.choices, router.calibration, top);
    const base = await baseSide(router, text, readers, top);
    return { base, tuned, milliseconds: performance.now() - started };
  };

  private readersOf(run: RunRecord, router: TrainedRouter, control: HostControl): RouterReaders {
    return {
      embed: async (texts) => {
        const request = { encoderId: run.encoderId, instruction: "", texts };
        const values = await this.embedding.encode(request, control);
        return { rows: texts.length, columns: values.length / texts.length, values };
      },
      embedTuned: async (texts) => (await this.tunedEncoder(run.id, router)).encode(texts, control),
      score: async (text, passages) => {
        const scorer = await this.scorerOf(run.id);
        return scorer.score(
          passages.map((passage) => [text, passage]),
          control,
        );
      },
    };
  }

  private tunedEncoder(runId: string, router: TrainedRouter): Promise<OwnEncoder> {
    if (router.kind !== "encoder") throw new RetuneError("usage", "This router has no encoder of its own.");
    if (this.tuned?.runId === runId) return this.tuned.opened;
    void this.tuned?.opened.then((encoder) => encoder.close()).catch(() => undefined);
    const open = async () => OwnEncoder.open(await this.ports.openBackend(), router.model);
    const opened = open();
    this.tuned = { runId, opened };
    opened.catch(() => (this.tuned = undefined));
    return opened;
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
    const { checkpoints, runs } = this.ports.workspace;
    const { recipe } = await runs.get(runId);
    const task = recipe.task === "router" ? "router" : "cross-encoder";
    const { model } = (await loadTrained(checkpoints, runId, task)) as { model: CrossEncoderModel };
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
async function baseSide(
  router: TrainedRouter,
  text: string,
  readers: RouterReaders,
  top: number,
): Promise<RouteSide | null> {
  if (router.kind !== "adapter") return null;
  const queries = await readers.embed([router.queryInstruction + text]);
  return routeSide(cosineScores(queries, router.choiceVectors).values, router.choices, null, top);
}
