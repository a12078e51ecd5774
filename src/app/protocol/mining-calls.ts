import type {
  CohereOptions,
  MiningRequest,
  MiningView,
  NegativeDecision,
  NegativesFormat,
} from "../studio-mining.ts";
import type { SentBytes } from "./sent-files.ts";

type Call<Params, Result> = {
  readonly params: Params & { readonly projectId: string };
  readonly result: Result;
};

/** What the data worker is asked about negatives. */
export interface MiningMethods {
  /** Mines from cached vectors and keeps the proposals; answers how many there are. */
  readonly mine: Call<{ readonly request: MiningRequest }, number>;
  readonly negatives: Call<unknown, MiningView>;
  readonly passageTexts: Call<{ readonly passageIds: readonly string[] }, readonly string[]>;
  readonly decideNegatives: Call<
    { readonly decisions: readonly NegativeDecision[] },
    readonly NegativeDecision[]
  >;
  readonly exportNegatives: Call<{ readonly format: NegativesFormat }, SentBytes>;
  readonly exportCohere: Call<{ readonly options: CohereOptions }, SentBytes>;
}
