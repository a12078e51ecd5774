import type {
  MinedQuestionView,
  MiningRequest,
  MiningView,
  NegativeCandidate,
  NegativeDecision,
  NegativeState,
} from "../../app/studio-mining.ts";
import { withStates } from "../negatives.ts";
import type { StudioState } from "./studio.svelte.ts";

type Chosen = (candidate: NegativeCandidate) => boolean;

/** Proposed negatives, decisions on them, and the way back. */
export class NegativesState {
  readonly #page: StudioState;
  readonly #projectId: string;
  view: MiningView | null = $state.raw(null);
  texts: Readonly<Record<string, string>> = $state.raw({});
  cursor: number = $state(0);
  busy: boolean = $state(false);
  undone: boolean = $state(false);
  #undo: (readonly NegativeDecision[])[] = $state.raw([]); // a decision on many is taken back as one

  constructor(page: StudioState, projectId: string) {
    this.#page = page;
    this.#projectId = projectId;
  }

  get current(): MinedQuestionView | null {
    const questions = this.view?.questions ?? [];
    return questions[Math.min(this.cursor, questions.length - 1)] ?? null;
  }

  readonly all: readonly NegativeCandidate[] = $derived(
    this.view?.questions.flatMap(({ candidates }) => candidates) ?? [],
  );

  get accepted(): number {
    return this.all.filter(({ state }) => state === "accepted").length;
  }

  get canUndo(): boolean {
    return this.#undo.length > 0;
  }

  async load(): Promise<void> {
    await this.#page.attempt(async () => {
      this.view = await this.#page.studio.mining.view(this.#projectId);
    });
  }

  async mine(request: MiningRequest): Promise<void> {
    this.#undo = [];
    this.undone = false;
    await this.#page.attempt(() => this.#page.studio.mining.mine(this.#projectId, request));
  }

  /** Texts of the passages that the shown question speaks of. */
  async read({ positives, candidates }: MinedQuestionView): Promise<void> {
    const ids = [...positives, ...candidates].map(({ passageId }) => passageId);
    const missing = ids.filter((id) => this.texts[id] === undefined);
    if (missing.length === 0) return;
    await this.#page.attempt(async () => {
      const found = await this.#page.studio.mining.texts(this.#projectId, missing);
      const read = Object.fromEntries(missing.map((id, index) => [id, found[index] ?? ""]));
      this.texts = { ...this.texts, ...read };
    });
  }

  /** Decides on candidates of these questions; those that are in the state already are left alone. */
  async decide(
    questions: readonly MinedQuestionView[],
    state: NegativeState,
    chosen: Chosen = () => true,
  ): Promise<void> {
    const decisions = questions.flatMap(({ questionId, candidates }) =>
      candidates
        .filter((candidate) => candidate.state !== state && chosen(candidate))
        .map(({ passageId }) => ({ questionId, passageId, state })),
    );
    const back = await this.#apply(decisions);
    if (back && back.length > 0) this.#undo = [...this.#undo, back];
    this.undone = false;
  }

  async takeBack(): Promise<void> {
    const back = this.#undo.at(-1);
    if (!back) return;
    this.#undo = this.#undo.slice(0, -1);
    await this.#apply(back);
    this.undone = true;
  }

  async #apply(decisions: readonly NegativeDecision[]): Promise<readonly NegativeDecision[] | undefined> {
    if (decisions.length === 0) return undefined;
    this.busy = true;
    const back = await this.#page.attempt(() => this.#page.studio.mining.decide(this.#projectId, decisions));
    if (back && this.view) this.view = withStates(this.view, decisions);
    this.busy = false;
    return back;
  }
}
