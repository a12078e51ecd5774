/** What a person changed above the answers; the rest stays. */
export interface SearchChoice {
  readonly run?: string;
  readonly reranker?: string; // "" for none
  readonly top?: number;
}
