import type { StudioEvent } from "../../src/app/studio.ts";
import type {
  MiningRequest,
  MiningStudio,
  MiningView,
  NegativeDecision,
} from "../../src/app/studio-mining.ts";
import { MINING_DEFAULTS } from "../../src/domain/data/mining/settings.ts";
import { scoreSummary } from "../../src/domain/data/mining/mining-report.ts";

const POSITIVES = Array.from({ length: 30 }, (_, bin) => Math.round(40 * Math.exp(-(((bin - 22) / 4) ** 2))));
const NEGATIVES = Array.from({ length: 30 }, (_, bin) => Math.round(90 * Math.exp(-(((bin - 13) / 3) ** 2))));

function minedView(request: MiningRequest): MiningView {
  const scores = scoreSummary([0.4, 0.5, 0.7]);
  const questions = Array.from({ length: 12 }, (_, question) => ({
    questionId: `q${question}`,
    text: `How many days of leave does a person have in year ${question + 1}?`,
    positives: [{ passageId: `p${question}`, score: 0.81 }],
    candidates: Array.from({ length: 4 }, (_, index) => ({
      ...{ passageId: `n${question}-${index}`, kind: index < 3 ? ("mined" as const) : ("random" as const) },
      ...{ rank: index < 3 ? index + 1 : null, score: 0.7 - index / 10, state: "proposed" as const },
    })),
  }));
  const report = {
    ...{ questions: 12, mined: 36, random: 12, short: 2, none: 0, copies: 3, rangeMax: 30 },
    ...{ candidates: 372, rescored: false, positiveScores: scores, negativeScores: scores },
    differences: scores,
    skipped: { absoluteMargin: 0, relativeMargin: 41, maxScore: 0, minScore: 0 },
    histogram: { low: 0, width: 1 / 30, positive: POSITIVES, negative: NEGATIVES },
  };
  return { mined: { request, report, outdated: false }, questions };
}

/** Proposals for a few questions, and decisions that hold as long as the page. */
export class FakeMining implements MiningStudio {
  readonly #tell: (event: StudioEvent) => void;
  kept: MiningView = minedView({ search: "hybrid", settings: MINING_DEFAULTS });

  constructor(tell: (event: StudioEvent) => void) {
    this.#tell = tell;
  }

  mine: MiningStudio["mine"] = (projectId, request) => {
    this.kept = minedView(request);
    const job = { id: "mine-1", kind: "mine", projectId, label: "48 negatives proposed" } as const;
    const ended = { ...job, state: "finished", done: 12, total: 12, etaSeconds: null } as const;
    this.#tell({ kind: "job", job: { ...ended, state: "running" } });
    setTimeout(() => this.#tell({ kind: "job", job: ended }));
    return Promise.resolve(job.id);
  };

  view: MiningStudio["view"] = () => Promise.resolve(this.kept);

  texts: MiningStudio["texts"] = (_projectId, ids) =>
    Promise.resolve(ids.map((id) => `Passage ${id}: every person has thirty days of leave in a full year.`));

  decide: MiningStudio["decide"] = (_projectId, decisions) => {
    const back: NegativeDecision[] = [];
    for (const { questionId, passageId, state } of decisions) {
      this.kept = {
        ...this.kept,
        questions: this.kept.questions.map((question) => ({
          ...question,
          candidates: question.candidates.map((each) => {
            if (question.questionId !== questionId || each.passageId !== passageId) return each;
            back.push({ questionId, passageId, state: each.state });
            return { ...each, state };
          }),
        })),
      };
    }
    return Promise.resolve(back);
  };

  exportRows: MiningStudio["exportRows"] = () =>
    Promise.resolve({ name: "rows.jsonl", blob: new Blob(["{}\n"]), verified: "1 row" });

  exportCohere: MiningStudio["exportCohere"] = () =>
    Promise.resolve({ name: "cohere.jsonl", blob: new Blob(["{}\n"]), verified: "1 question" });
}
