// The trial of triage: an adapter with usual settings, trained four times without a quarter of the documents each, and
// judged on them, all in a few seconds. A closed form (ridge to the identity) would need no training, but sees nothing
// where training gains: Lyft +.005 [−.007, +.018] against +.036 [+.022, +.050] of MRR@10, held-out documents.
import type { Backend } from "../../engine/backend.ts";
import { cosineScores } from "../eval/dense.ts";
import { withSearch, type TriageGround } from "../eval/triage-ground.ts";
import { rowOf, selectRows } from "../matrix.ts";
import { applyAdapter } from "../models/apply-adapter.ts";
import type { RunControl } from "../ports.ts";
import type { AdapterSettings } from "./adapter-job.ts";
import { AdapterTrials, heldOutAdapters, USUAL } from "./adapter-trials.ts";

const FOLDS = 4;
const LEAST_QUESTIONS = 8; // below it nothing can be learnt, and triage says so anyway
const STRENGTH = 0.75; // a little short of the whole, as searches over strengths find (search-schedule.ts)

/** The ground with "trialAdapter" beside the other searches; as it is where too few documents leave nothing to hold out. */
export async function withTrialAdapter(
  ground: TriageGround,
  backend: Backend,
  seed: number,
  control: RunControl = {},
): Promise<TriageGround> {
  const { dataset, questions, corpus, clusters } = ground;
  if (questions.rows < LEAST_QUESTIONS || new Set(clusters).size < FOLDS) return ground;
  const adapter = { kind: "linear", features: corpus.columns, bias: false } as const;
  const settings: AdapterSettings = { mode: "recommended", adapter, seed };
  const data = { dataset, queries: questions, corpus };
  const trials = await AdapterTrials.open(backend, data, settings, { ...USUAL, alpha: STRENGTH });
  try {
    const values = new Float32Array(questions.rows * corpus.rows);
    for (const { questions: held, weights } of await heldOutAdapters(trials, FOLDS, control)) {
      const scores = cosineScores(applyAdapter(adapter, weights, selectRows(questions, held)), corpus);
      for (const [place, row] of held.entries()) values.set(rowOf(scores, place), row * corpus.rows);
    }
    return withSearch(ground, "trialAdapter", { rows: questions.rows, columns: corpus.rows, values });
  } finally {
    trials.dispose();
  }
}
