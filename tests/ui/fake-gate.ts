import type { GateStudio, GateView, LeakView } from "../../src/app/studio-gate.ts";
import type { FlagKind } from "../../src/domain/data/gate-flags.ts";
import type { QuestionView } from "../../src/app/studio-data.ts";
import { passageText, questionTexts } from "./fake-data.ts";

/** What the made-up gate shares with the made-up studio around it. */
export interface FakeGateGround {
  questions(): readonly QuestionView[];
  change(questions: readonly QuestionView[]): void;
  readonly calls: string[];
}

function gateView(questions: readonly QuestionView[]): GateView {
  const counts: Partial<Record<FlagKind, number>> = {};
  for (const { kind } of questions.flatMap(({ flags }) => flags ?? []))
    counts[kind] = (counts[kind] ?? 0) + 1;
  const flagged = questions.filter(({ flags }) => flags && flags.length > 0).length;
  return {
    ...{ checked: questions.length, flagged, counts, top: 10 },
    searched: { hybrid: questions.length, bm25: 0 },
  };
}

const tie = (index: number, share: number): LeakView["ties"][number] => ({
  ...{ passage: `p${index}`, other: `p${index + 6}`, share, questions: 2 },
  text: passageText(index),
  otherText: passageText(index + 6),
});

const LEAKS: LeakView = {
  stale: false,
  counts: [
    { kind: "same-question", found: 0, of: 148 },
    { kind: "near-question", found: 2, of: 148 },
    { kind: "same-passage", found: 0, of: 48 },
    { kind: "overlap", found: 3, of: 48 },
    { kind: "near-passage", found: 1, of: 48 },
  ],
  questions: ["q240", "q241", "q250", "q251", "q260", "q261", "q262"],
  testQuestions: 148,
  examples: [
    { kind: "near-question", share: 0.97, test: questionTexts(4)[2]!, train: questionTexts(9)[8]! },
    { kind: "overlap", share: 0.64, test: passageText(4), train: passageText(10) },
    { kind: "near-passage", share: 0.96, test: passageText(5), train: passageText(11) },
  ],
  groups: [
    { train: ["document:02-leave.md"], test: ["document:05-kitchen.md"], questions: 22 },
    {
      train: ["document:03-rota.md", "document:01-welcome.md"],
      test: ["document:06-safety.md"],
      questions: 31,
    },
  ],
  movable: true,
  together: 0,
  compared: "words-and-vectors",
  ties: [tie(0, 0.92), tie(1, 0.84), tie(2, 0.41), tie(3, 0.33)],
};

/** A gate over the made-up questions: decisions and the way back work, checks answer made-up numbers. */
export class FakeGate implements GateStudio {
  readonly #ground: FakeGateGround;
  readonly #undo: (readonly QuestionView[])[] = [];
  #leaks: LeakView = LEAKS;

  constructor(ground: FakeGateGround) {
    this.#ground = ground;
  }

  question: GateStudio["question"] = async (_projectId, questionId) => {
    const question = this.#ground.questions().find(({ id }) => id === questionId)!;
    const number = Number(questionId.slice(1));
    return {
      id: questionId,
      passageText: passageText(number % 40),
      sentence: `It counts from the ${1 + (number % 9)}. month on and is written into the green book.`,
      copyRate: (number % 10) / 14,
      near: (question.flags ?? []).flatMap((flag) =>
        flag.kind === "duplicate"
          ? [{ id: flag.other, text: questionTexts(1)[0]!, samePassage: false, flag }]
          : [],
      ),
    };
  };

  decideQuestions: GateStudio["decideQuestions"] = async (_projectId, questionIds, change) => {
    const ids = new Set(questionIds);
    const questions = this.#ground.questions();
    this.#undo.push(questions.filter(({ id }) => ids.has(id)));
    this.#ground.calls.push(`decideQuestions ${questionIds.length} ${change.kind}`);
    this.#ground.change(
      questions.map((question) => {
        if (!ids.has(question.id)) return question;
        if (change.kind === "edit")
          return { ...question, text: change.text, state: "accepted", made: "typed" };
        return { ...question, state: change.kind === "accept" ? "accepted" : "rejected" };
      }),
    );
  };

  undoDecision: GateStudio["undoDecision"] = async () => {
    const step = this.#undo.pop() ?? [];
    const before = new Map(step.map((question) => [question.id, question]));
    this.#ground.change(this.#ground.questions().map((question) => before.get(question.id) ?? question));
    return step;
  };

  checkQuestions: GateStudio["checkQuestions"] = async (_projectId, settings) => {
    this.#ground.calls.push(`checkQuestions ${settings?.top ?? "default"}`);
    return "j4";
  };

  gate: GateStudio["gate"] = async () => gateView(this.#ground.questions());

  checkLeaks: GateStudio["checkLeaks"] = async () => {
    this.#ground.calls.push("checkLeaks");
    return "j5";
  };

  leaks: GateStudio["leaks"] = async () => this.#leaks;

  fixLeaks: GateStudio["fixLeaks"] = async (_projectId, how) => {
    this.#ground.calls.push(`fixLeaks ${how}`);
    this.#leaks = { ...this.#leaks, stale: true, together: how === "together" ? 2 : 0 };
  };

  acceptTies: GateStudio["acceptTies"] = async (_projectId, ties) => {
    this.#ground.calls.push(`acceptTies ${ties.length}`);
    const gone = new Set(ties.map(({ passage }) => passage));
    this.#leaks = { ...this.#leaks, ties: this.#leaks.ties.filter(({ passage }) => !gone.has(passage)) };
    return ties.length * 2;
  };
}
