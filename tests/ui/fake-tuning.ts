import type { PairsReport } from "../../src/app/studio-data.ts";
import type { ModelStudio } from "../../src/app/studio-models.ts";
import type { RouterStudio, RouterView } from "../../src/app/studio-routers.ts";
import type { LadderView, RecipeOffer, Rung, RungName } from "../../src/app/studio-training.ts";
import type { SearchHit } from "../../src/app/studio-playground.ts";
import type { Studio } from "../../src/app/studio.ts";
import { passageText } from "./fake-data.ts";
import { OFFERED, ROUTED } from "./fake-results.ts";
import { lossNeeds } from "../../src/app/jobs/loss-needs.ts";
import { recipeOffers } from "../../src/app/jobs/recipe-offers.ts";

// Made-up answers about models, routers and the ladder.

export const OFFERS: readonly RecipeOffer[] = recipeOffers({
  dimension: 384,
  encoderId: "bge-small-en-v1.5",
  weights: null,
  encoders: ["bge-small-en-v1.5", "retune-nano"],
  crossEncoders: [],
  trainQuestions: 240,
  pairs: 0,
  choices: 3,
  routedQuestions: 24,
  losses: lossNeeds(
    { queries: [{ id: "q", text: "q", relevant: [{ passage: "p", grade: 1 }] }], passages: [] },
    [],
  ),
});

export const MODELS: Awaited<ReturnType<ModelStudio["models"]>> = [
  {
    id: "bge-small-en-v1.5",
    name: "bge-small-en-v1.5",
    kind: "encoder",
    origin: "site",
    parameters: 33_212_160,
    layers: 12,
    hidden: 384,
    bytes: 133_093_490,
    obstacle: null,
  },
  {
    id: "retune-nano",
    name: "retune-nano",
    kind: "encoder",
    origin: "site",
    parameters: 3_699_264,
    layers: 3,
    hidden: 192,
    bytes: 3_800_976,
    obstacle: null,
  },
];

const untried = (name: RungName): Rung => ({ name, state: "untried", mrr: null, gain: null, obstacle: null });

export const LADDER: LadderView = {
  rungs: [
    { ...untried("instruction"), state: "no-gain", mrr: 0.71, over: "base", gain: gain(0.002) },
    { ...untried("fusion"), state: "better", mrr: 0.73, over: "base", gain: gain(0.022) },
    ...(["adapter", "re-ranker", "lora", "full"] as const).map(untried),
  ],
  present: "fusion",
  next: "adapter",
  anyway: null,
  questions: 48,
  advice: "Best so far: fusion. Next: adapter, kept only if it gains more than one standard error.",
};

/** After an adapter that did not pay. */
export const LADDER_ENDED: LadderView = {
  ...LADDER,
  rungs: LADDER.rungs.map((rung) =>
    rung.name === "adapter"
      ? { ...rung, state: "no-gain", mrr: 0.727, over: "fusion", gain: gain(-0.003), runId: "r1" }
      : rung,
  ),
  next: null,
  anyway: "re-ranker",
  advice:
    "Stop here is the honest advice: adapter moved MRR@10 by −0.003 ± 0.008 over fusion, no more than one standard " +
    "error. Keep fusion; what costs more seldom pays where this did not, and more questions help sooner.",
};

function gain(value: number): { value: number; standardError: number } {
  return { value, standardError: 0.008 };
}

export const ROUTER: RouterView = {
  choices: ["Leave", "Equipment", "Payroll"].map((name, index) => ({
    id: `c${index}`,
    name,
    description: `Everything about ${name.toLowerCase()}.`,
    questions: 8,
  })),
  questions: { train: 18, test: 6, none: 2 },
  problems: [],
};

export const PAIRS: PairsReport = {
  name: "pairs.csv",
  format: "query, context, score CSV",
  queries: 40,
  pairs: 400,
  scores: "labels",
  warnings: [],
};

export const ROUTE: Awaited<ReturnType<RouterStudio["route"]>> = {
  base: null,
  tuned: {
    chosen: "c0",
    probability: 0.93,
    threshold: 0.41,
    ranked: [
      { choiceId: "c0", name: "Leave", score: 0.83 },
      { choiceId: "c2", name: "Payroll", score: 0.51 },
    ],
  },
  milliseconds: 11,
};

/** What a fake studio answers about all this; nothing that is told is kept. */
export class FakeTuning {
  recipes: Studio["recipes"] = async () => OFFERS;
  protected ladderView = LADDER;
  ladder: Studio["ladder"] = async () => this.ladderView;
  climb: Studio["climb"] = async () => "j4";
  judgeStrength: Studio["judgeStrength"] = async () => "j5";
  models: Studio["models"] = async () => MODELS;
  addModelFolder: Studio["addModelFolder"] = async () => MODELS[0]!;
  removeModel: Studio["removeModel"] = async () => undefined;
  exports: Studio["exports"] = async () => OFFERED;
  weighProject: Studio["weighProject"] = async () => ({ models: 0, modelBytes: 0 });
  importPairs: Studio["importPairs"] = async () => PAIRS;
  pairs: Studio["pairs"] = async () => null;
  removePairs: Studio["removePairs"] = async () => undefined;
  router: Studio["router"] = async () => ROUTER;
  routedQuestions: Studio["routedQuestions"] = async () => ROUTED;
  saveChoice: Studio["saveChoice"] = async () => ROUTER;
  removeChoice: Studio["removeChoice"] = async () => ROUTER;
  saveRoutedQuestion: Studio["saveRoutedQuestion"] = async () => ROUTER;
  removeRoutedQuestion: Studio["removeRoutedQuestion"] = async () => ROUTER;
  importRouter: Studio["importRouter"] = async () => ({ choices: 3, questions: 24, warnings: [] });
  generateRoutedQuestions: Studio["generateRoutedQuestions"] = async () => "j6";
  route: Studio["route"] = async () => ROUTE;

  async search(...[, request]: Parameters<Studio["search"]>): ReturnType<Studio["search"]> {
    const hit = (index: number, otherRank: number | null): SearchHit => ({
      passageId: `p${index}`,
      text: passageText(index),
      document: "02-leave.md",
      score: 0.83 - index * 0.03,
      otherRank,
    });
    const base = [hit(0, 2), hit(1, 1), hit(2, 3), hit(3, null), hit(4, 5)].slice(0, request.top);
    const tuned = request.runId
      ? [hit(1, 2), hit(0, 1), hit(2, 3), hit(7, null), hit(4, 5)].slice(0, request.top)
      : [];
    if (request.rerankRunId === undefined) {
      const latency = { embed: 12, search: 3.4, rerank: null, reranked: 0 };
      return { base, tuned, reranked: [], milliseconds: 3.4, latency };
    }
    const reranked = [hit(2, 3), hit(1, 2), hit(0, 1), hit(9, 31), hit(5, 8)].slice(0, request.top);
    const latency = { embed: 12, search: 3.4, rerank: 210, reranked: 100 };
    return { base, tuned, reranked, milliseconds: 213.4, latency };
  }
}
