import { cohereRows, writeCohereRows } from "../../domain/data/mining/cohere-rows.ts";
import { minedTable, writeMinedJsonLines } from "../../domain/data/mining/mined-rows.ts";
import { denseSearch, hybridSearch, lexicalSearch } from "../../domain/data/mining/passage-search.ts";
import type { PassageSearch } from "../../domain/data/mining/passage-search.ts";
import { usesThresholds } from "../../domain/data/mining/settings.ts";
import { mineInBlocks } from "../../domain/data/negatives.ts";
import type { PairScores } from "../../domain/data/negatives.ts";
import type { Dataset } from "../../domain/data/dataset.ts";
import type { JudgedVectors } from "../../domain/eval/evaluate.ts";
import { EQUAL_WEIGHTS, fusionOf } from "../../domain/eval/fusion.ts";
import type { CrossEncoderModel } from "../../domain/models/encoder-model.ts";
import { openPairScorer, shownScore } from "../../domain/models/score-pairs.ts";
import type { RunControl } from "../../domain/ports.ts";
import type { Backend } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { ModelSource } from "../encoders/model-source.ts";
import { dataHash } from "../jobs/data-hash.ts";
import { cachedVectors } from "../jobs/embed.ts";
import {
  acceptedTexts,
  decided,
  miningView,
  NO_PROPOSALS,
  proposalsOf,
  withDecision,
} from "../jobs/negatives.ts";
import type { NegativeProposals } from "../jobs/negatives.ts";
import type { ProjectData } from "../jobs/project-data.ts";
import type { SentBytes } from "../protocol/calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { MiningMethods } from "../protocol/mining-calls.ts";
import type { MiningRequest, MiningView, NegativeDecision } from "../studio-mining.ts";
import { fileName } from "./data-service.ts";
import type { DataService } from "./data-service.ts";

type Of<Name extends keyof MiningMethods> = MiningMethods[Name]["params"];

const KIND = "negatives";

/** Wrong passages of the training questions: another part of the data worker. */
export class MiningService {
  private readonly data: DataService;
  private readonly models: ModelSource;
  private readonly openBackend: () => Promise<Backend>;
  private readonly hashes = new WeakMap<ProjectData, Promise<string>>();

  constructor(data: DataService, models: ModelSource, openBackend: () => Promise<Backend>) {
    this.data = data;
    this.models = models;
    this.openBackend = openBackend;
  }

  readonly mine: Handlers<MiningMethods>["mine"] = async ({ projectId, request }, control) => {
    const { data } = await this.data.open(projectId);
    const dataset = data.train;
    const search = await this.searchOf(projectId, dataset, request);
    const { crossEncoder, settings } = request;
    const scored = crossEncoder !== undefined && usesThresholds(settings);
    const rescorer = scored ? await this.rescorer(dataset, crossEncoder) : null;
    try {
      const mined = await mineInBlocks(dataset, search, settings, rescorer?.score ?? null, control);
      const proposals = proposalsOf(dataset, request, mined, await this.proposals(projectId));
      await this.keep(projectId, await this.textHash(data), proposals);
      return proposals.questions.reduce((sum, { candidates }) => sum + candidates.length, 0);
    } finally {
      rescorer?.dispose();
    }
  };

  async view({ projectId }: Of<"negatives">): Promise<MiningView> {
    const { data } = await this.data.open(projectId);
    const found = await this.data.workspace.parts.finding(projectId, KIND);
    const outdated = found !== undefined && found.dataHash !== (await this.textHash(data));
    return miningView(data.train, (found?.value as NegativeProposals | undefined) ?? NO_PROPOSALS, outdated);
  }

  async texts({ projectId, passageIds }: Of<"passageTexts">): Promise<readonly string[]> {
    const { data } = await this.data.open(projectId);
    const wanted = new Set(passageIds);
    const texts = new Map(
      data.train.passages.flatMap(({ id, text }) => (wanted.has(id) ? [[id, text]] : [])),
    );
    return passageIds.map((id) => texts.get(id) ?? "");
  }

  /** Lists and proposals change one after the other; lists alone are trained on, so a break between loses no decision. */
  async decide({ projectId, decisions }: Of<"decideNegatives">): Promise<readonly NegativeDecision[]> {
    const { workspace } = this.data;
    const { data } = await this.data.open(projectId);
    const found = await workspace.parts.finding(projectId, KIND);
    const before = (found?.value as NegativeProposals | undefined) ?? NO_PROPOSALS;
    const { lists, proposals, back } = decided(data.train, before, decisions);
    await workspace.projects.changeQuestions(projectId, (question) =>
      withDecision(question, lists.get(question.id)),
    );
    await this.keep(projectId, found?.dataHash ?? (await this.textHash(data)), proposals);
    return back;
  }

  async exportRows({ projectId, format }: Of<"exportNegatives">): Promise<SentBytes> {
    const { project, data } = await this.data.open(projectId);
    if (format === "job") return jobFile(fileName(project.name), data.train);
    const rows = acceptedTexts(data.train);
    const perQuestion = rows.reduce((most, { wrong }) => Math.max(most, wrong.length), 0);
    const table = minedTable(rows, format, { scores: false, perQuestion });
    if (table.rows.length === 0) throw noneAccepted();
    const bytes = new TextEncoder().encode(writeMinedJsonLines(table));
    const name = `${fileName(project.name)}-${format}.jsonl`;
    return { name, bytes, verified: `${table.rows.length} rows of ${table.columns.join(", ")}` };
  }

  async exportCohere({ projectId, options }: Of<"exportCohere">): Promise<SentBytes> {
    const { project, data } = await this.data.open(projectId);
    const vectors = options.method === "cosine" ? await this.vectors(projectId, data.train) : null;
    const rows = cohereRows(data.train, options, vectors);
    const bytes = new TextEncoder().encode(writeCohereRows(rows));
    const count = rows.reduce((sum, { hard_negatives }) => sum + hard_negatives.length, 0);
    const name = `${fileName(project.name)}-cohere.jsonl`;
    return { name, bytes, verified: `${rows.length} questions with ${count} negatives` };
  }

  private async searchOf(
    projectId: string,
    dataset: Dataset,
    { search }: MiningRequest,
  ): Promise<PassageSearch> {
    if (search === "bm25") return lexicalSearch(dataset);
    const dense = denseSearch(await this.vectors(projectId, dataset));
    return search === "dense" ? dense : hybridSearch(dense, lexicalSearch(dataset), fusionOf(EQUAL_WEIGHTS));
  }

  private async vectors(projectId: string, dataset: Dataset): Promise<JudgedVectors> {
    const { workspace } = this.data;
    const encoder = await encoderById(workspace, (await workspace.projects.get(projectId)).encoderId);
    return cachedVectors(workspace.vectors, encoder, dataset, encoder.queryInstruction);
  }

  private async rescorer(
    { queries, passages }: Dataset,
    id: string,
  ): Promise<{ readonly score: PairScores; dispose(): void }> {
    const model = await this.models.either(id);
    if ("pooling" in model) throw noCrossEncoder(model.name);
    const reranker: CrossEncoderModel = model;
    const backend = await this.openBackend();
    const scorer = await openPairScorer(backend, reranker);
    return {
      score: async (pairs, { signal, onProgress }: RunControl) => {
        const texts = pairs.map(([q, p]) => [queries[q]!.text, passages[p]!.text] as const);
        const logits = await scorer.score(texts, {
          ...(signal ? { signal } : {}),
          onProgress: (progress) => onProgress?.({ ...progress, label: "Reading them with the re-ranker" }),
        });
        return logits.map((logit) => shownScore(reranker, logit));
      },
      dispose: () => {
        scorer.dispose();
        backend.dispose();
      },
    };
  }

  private async proposals(projectId: string): Promise<NegativeProposals> {
    const found = await this.data.workspace.parts.finding(projectId, KIND);
    return (found?.value as NegativeProposals | undefined) ?? NO_PROPOSALS;
  }

  private async keep(projectId: string, hash: string, value: NegativeProposals): Promise<void> {
    await this.data.workspace.parts.saveFinding({ projectId, kind: KIND, dataHash: hash, value });
  }

  /** The data without negatives: what was mined stays valid while a person decides on it. */
  private textHash(data: ProjectData): Promise<string> {
    const known = this.hashes.get(data);
    if (known) return known;
    const bare = ({ queries, passages }: Dataset): Dataset => ({
      passages,
      queries: queries.map(({ negatives: _own, ...query }) => query),
    });
    const hash = dataHash({ train: bare(data.train), test: bare(data.test) });
    this.hashes.set(data, hash);
    return hash;
  }
}

/** Which of its methods answers which call. */
export function miningHandlers(mining: MiningService): Handlers<MiningMethods> {
  return {
    mine: mining.mine,
    negatives: (params) => mining.view(params),
    passageTexts: (params) => mining.texts(params),
    decideNegatives: (params) => mining.decide(params),
    exportNegatives: (params) => mining.exportRows(params),
    exportCohere: (params) => mining.exportCohere(params),
  };
}

/** What encoder, lora and cross-encoder jobs take as "negatives". */
function jobFile(name: string, { queries }: Dataset): SentBytes {
  const own = queries.flatMap(({ id, negatives }) => (negatives ? [[id, negatives] as const] : []));
  if (own.length === 0) throw noneAccepted();
  const bytes = new TextEncoder().encode(`${JSON.stringify(Object.fromEntries(own), null, 1)}\n`);
  return { name: `${name}-negatives.json`, bytes, verified: `${own.length} questions` };
}

function noneAccepted(): RetuneError {
  return new RetuneError("too-little-data", "No negative is accepted yet, so there is nothing to export.");
}

function noCrossEncoder(name: string): RetuneError {
  const text = `${name} is no cross-encoder, so it cannot score pairs. Choose a re-ranker, or train one first.`;
  return new RetuneError("usage", text);
}
