import type { RetrievalData } from "./dataset-format.ts";
import { judgedQueries, type JudgedQuery } from "./judged.ts";
import { counted, retrievalLosses } from "./losses.ts";

const UNNAMED = "untitled";

interface Paper {
  readonly name: string;
  readonly texts: Set<string>;
  readonly questions: object[];
}

/** A paper a source document; a question stands with its first right passage, evidence of other papers is lost. */
export function writeQasper(data: RetrievalData): {
  readonly text: string;
  readonly losses: readonly string[];
} {
  const papers = new Map<string, Paper>();
  const unnamed = nameOfUnnamed(data);
  const paperOf = (document = unnamed): Paper => {
    const known = papers.get(document) ?? { name: document, texts: new Set(), questions: [] };
    papers.set(document, known);
    return known;
  };
  for (const { text, document } of data.dataset.passages) paperOf(document).texts.add(text);
  const queries = judgedQueries(data.dataset).filter(({ positives }) => positives.length > 0);
  let elsewhere = 0;
  for (const query of queries) {
    const paper = paperOf(query.positives[0]!.passage.document);
    const own = query.positives.filter(({ passage }) => (passage.document ?? unnamed) === paper.name);
    elsewhere += query.positives.length - own.length;
    paper.questions.push(questionOf(query, new Set(own.map(({ passage }) => passage.text))));
  }
  const members = Array.from(
    papers.values(),
    (paper) => `${JSON.stringify(paper.name)}: ${paperText(paper)}`,
  );
  return { text: `{${members.join(",\n")}}\n`, losses: lossesOf(data, elsewhere, unnamed) };
}

function nameOfUnnamed({ dataset }: RetrievalData): string {
  const names = new Set(dataset.passages.map(({ document }) => document));
  let name = UNNAMED;
  while (names.has(name)) name += "-";
  return name;
}

function questionOf({ id, text }: JudgedQuery, evidence: ReadonlySet<string>): object {
  const answer = {
    unanswerable: false,
    extractive_spans: [],
    yes_no: null,
    free_form_answer: "",
    evidence: [...evidence],
    highlighted_evidence: [],
  };
  return { question: text, question_id: id, answers: [{ answer, annotation_id: "", worker_id: "" }] };
}

function paperText({ name, texts, questions }: Paper): string {
  return JSON.stringify({
    title: name,
    abstract: "",
    full_text: [{ section_name: "", paragraphs: [...texts] }],
    figures_and_tables: [],
    qas: questions,
  });
}

function lossesOf(data: RetrievalData, elsewhere: number, unnamed: string): string[] {
  const losses = retrievalLosses("QASPER", data, {
    ids: "questions",
    passagesByText: "in a document",
    manyPositives: true,
    grades: false,
    negatives: false,
    unusedPassages: true,
    documents: true,
    splits: false,
    prompts: false,
  });
  if (elsewhere > 0)
    losses.push(
      `${counted(elsewhere, "judgement")} of passages in another document than the first ${elsewhere === 1 ? "is" : "are"} lost; QASPER's evidence lies in one paper.`,
    );
  const passages = data.dataset.passages.filter(({ document }) => document === undefined).length;
  if (passages > 0)
    losses.push(
      `${counted(passages, "passage")} without a source document ${passages === 1 ? "stands" : "stand"} in a paper called "${unnamed}".`,
    );
  return losses;
}
