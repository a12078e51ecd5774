// What memorising learns and how it is probed. JSON Lines (or CSV with the same columns, lists as JSON), one fact a row:
//
//   {"question": "…", "answer": "…", "paraphrases": ["…"], "context": "…", "document": "…", "control": false}
//
//   question     learnt with its answer; "questions": ["…", "…"] learns several phrasings
//   paraphrases  asked afterwards, never learnt
//   context      the text the fact is from: what RAG on the same model searches
//   document     rows of one document are learnt together, or are controls together
//   control      true: never learnt. Where no row says so, a share of the groups is (the guide's 70/30 split)
//
// Two further kinds of row:
//   {"canary": "the code of the vault is {}", "secret": "x7", "alternatives": ["x1", "x2", …]}   learnt with its secret; its
//       exposure is log2 |R| − log2 rank of the secret among R = alternatives and secret, by the model's likelihood
//   {"replay": true, "question": "…", "answer": "…"}   never learnt: what the model could do before; its perplexity is forgetting
//
// The guide's form is accepted, too: chat JSON Lines of {system, user, assistant}.
import type { LabExample } from "../lab-task.ts";

interface MemoriseRow extends LabExample {
  readonly learnt: boolean; // false: a control, or what is only replayed
}

export interface FactExample extends MemoriseRow {
  readonly kind: "fact";
  readonly questions: readonly string[]; // at least one
  readonly paraphrases: readonly string[];
  readonly answer: string;
  readonly context: string | undefined;
  readonly system: string | undefined; // of the guide's form
}

export interface CanaryExample extends MemoriseRow {
  readonly kind: "canary";
  readonly text: string; // holds one {}
  readonly secret: string;
  readonly alternatives: readonly string[];
}

export interface ReplayExample extends MemoriseRow {
  readonly kind: "replay";
  readonly question: string;
  readonly answer: string;
}

export type MemoriseExample = FactExample | CanaryExample | ReplayExample;
