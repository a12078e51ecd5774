import type { Origin } from "../../domain/data/dataset.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { StoredQuestion } from "../storage/records.ts";
import type { QuestionChange, QuestionView } from "../studio-data.ts";
import type { ProjectData } from "./project-data.ts";

/** Every question of a project as a row, rejected ones included, in file order. */
export function questionViews(
  contents: readonly SourceContent[],
  data: ProjectData,
): readonly QuestionView[] {
  const held = new Set(data.test.passages.map((passage) => passage.id));
  return contents.flatMap(({ source, passages, questions }) => {
    const documents = new Map(passages.map(({ id, document }) => [id, document]));
    return questions.flatMap((question): QuestionView[] => {
      const passageId = question.relevant[0]!.passage;
      if (!documents.has(passageId)) return [];
      const { id, text, state, flags, origin } = question;
      const document = documents.get(passageId);
      const ofTest = source.role === "test" || (source.role === "split" && held.has(passageId));
      return [
        {
          ...{ id, text, passageId, state, source: source.name, made: madeBy(origin) },
          split: ofTest ? "test" : "train",
          ...(document === undefined ? {} : { document }),
          ...(flags ? { flags } : {}),
        },
      ];
    });
  });
}

export function madeBy(origin: Origin | undefined): string {
  if (!origin || origin.kind === "imported") return "imported";
  return origin.detail === undefined ? origin.kind : `${origin.kind}: ${origin.detail}`;
}

/** The question as a person decided; what they wrote themselves is not checked again. */
export function reviewed(question: StoredQuestion, change: QuestionChange): StoredQuestion {
  switch (change.kind) {
    case "accept":
      return { ...question, state: "accepted", decided: true };
    case "reject":
      return { ...question, state: "rejected", decided: true };
    case "edit": {
      const { flags: _flags, ...rest } = question;
      return { ...rest, text: change.text, state: "accepted", origin: { kind: "typed" }, decided: true };
    }
  }
}
