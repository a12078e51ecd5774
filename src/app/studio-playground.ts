// One question asked, as the page sees it.

export interface SearchRequest {
  readonly text: string;
  readonly view: "dense" | "lexical" | "hybrid";
  readonly runId?: string; // the tuned column: an adapter, encoder or lora run; absent: base only
  readonly rerankRunId?: string; // a cross-encoder run: orders the first `rerankTop` of the last column anew
  readonly rerankTop?: number; // default 100
  readonly top: number;
}

export interface SearchHit {
  readonly passageId: string;
  readonly text: string;
  readonly document?: string;
  readonly score: number;
  readonly otherRank: number | null; // its rank in the other column; in the re-ranked one: before re-ranking
}

export interface SearchAnswer {
  readonly base: readonly SearchHit[];
  readonly tuned: readonly SearchHit[];
  readonly reranked: readonly SearchHit[]; // empty without rerankRunId
  readonly milliseconds: number; // of the search alone
  readonly latency: SearchLatency;
}

/** Milliseconds of each part; null where it had nothing to do. */
export interface SearchLatency {
  readonly embed: number | null; // the question, by base and tuned encoder
  readonly search: number;
  readonly rerank: number | null;
  readonly reranked: number; // passages that the cross-encoder read
}
