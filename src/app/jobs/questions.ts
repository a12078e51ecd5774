import { copyRate } from "../../domain/eval/tokens.ts";
import type { Origin } from "../../domain/data/dataset.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { StoredQuestion } from "../storage/records.ts";
import type { QuestionChange, QuestionView } from "../studio-data.ts";
import type { ProjectData } from "./project-data.ts";

/** Every question of a project beside its passage, rejected ones included, in file order. */
export function questionViews(
  contents: readonly SourceContent[],
  data: ProjectData,
): readonly QuestionView[] {
  const held = new Set(data.test.passages.map((passage) => passage.id));
  return contents.flatMap(({ source, passages, questions }) => {
    const byId = new Map(passages.map((passage) => [passage.id, passage]));
    return questions.flatMap((question): QuestionView[] => {
      const passage = byId.get(question.relevant[0]!.passage);
      if (!passage) return [];
      const sentence = question.origin?.sentence;
      const ofTest = source.role === "test" || (source.role === "split" && held.has(passage.id));
      return [
        {
          id: question.id,
          text: question.text,
          passageId: passage.id,
          passageText: passage.text,
          ...(passage.document === undefined ? {} : { document: passage.document }),
          split: ofTest ? "test" : "train",
          state: question.state,
          made: madeBy(question.origin),
          ...(sentence === undefined ? {} : { sentence }),
          copyRate: copyRate(question.text, passage.text),
        },
      ];
    });
  });
}

function madeBy(origin: Origin | undefined): string {
  if (!origin || origin.kind === "imported") return "imported";
  return origin.detail === undefined ? origin.kind : `${origin.kind}: ${origin.detail}`;
}

export function reviewed(question: StoredQuestion, change: QuestionChange): StoredQuestion {
  switch (change.kind) {
    case "accept":
      return { ...question, state: "accepted" };
    case "reject":
      return { ...question, state: "rejected" };
    case "edit":
      return { ...question, text: change.text, state: "accepted", origin: { kind: "typed" } };
  }
}
