import type {
  GateSettings,
  GateView,
  LeakView,
  QuestionDetail,
  RestoredQuestion,
  TieView,
} from "../studio-gate.ts";
import type { QuestionChange } from "../studio-data.ts";

type Call<Params, Result> = { readonly params: Params; readonly result: Result };
interface OfProject {
  readonly projectId: string;
}

/** What the data worker is asked about the quality of questions. */
export interface GateMethods {
  readonly question: Call<OfProject & { readonly questionId: string }, QuestionDetail>;
  readonly decideQuestions: Call<
    OfProject & { readonly questionIds: readonly string[]; readonly change: QuestionChange },
    null
  >;
  readonly undoDecision: Call<OfProject, readonly RestoredQuestion[]>;
  readonly checkQuestions: Call<OfProject & { readonly settings: GateSettings }, GateView>;
  readonly gate: Call<OfProject, GateView | null>;
  /** Answers how many test questions leak. */
  readonly checkLeaks: Call<OfProject, number>;
  readonly leaks: Call<OfProject, LeakView | null>;
  readonly fixLeaks: Call<OfProject & { readonly how: "together" | "drop" | "apart" }, null>;
  readonly acceptTies: Call<
    OfProject & { readonly ties: readonly Pick<TieView, "passage" | "other">[] },
    number
  >;
}
