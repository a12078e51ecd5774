import type {
  DatasetRole,
  PairsReport,
  ProjectView,
  QuestionView,
  SourceView,
  VectorPart,
} from "../../app/studio-data.ts";
import { bytes, count, percent, plural } from "../format.ts";

const ROLES: Readonly<Record<DatasetRole | "own", string>> = {
  own: "Used as their files say, else divided",
  split: "Divided by document into training and test",
  train: "Training questions",
  test: "Test questions (only judged)",
};

const QUESTIONS_OF: Readonly<Record<DatasetRole, readonly [one: string, many: string]>> = {
  split: ["question", "questions"],
  train: ["training question", "training questions"],
  test: ["test question", "test questions"],
};

/** The name of a source; those that one file was divided into are told apart by their split. */
const sourceName = ({ name, split }: SourceView): string =>
  split === undefined ? name : `${name} (${split})`;

const PARTS: Readonly<Record<VectorPart, string>> = {
  queries: "Questions",
  queriesInstruction: "Questions, with the instruction",
  corpus: "Passages",
};

const megabytes = (value: number): string => (value / 1e6).toFixed(value < 10e6 ? 1 : 0);

export const data = {
  title: "Data",
  tabs: {
    sources: "Sources",
    chunks: "Chunks",
    questions: "Questions",
    negatives: "Negatives",
    split: "Split",
    router: "Router",
  },
  summary: (view: ProjectView): string =>
    `${plural(view.sources.length, "source", "sources")}, ${plural(view.passages, "passage", "passages")}, ${plural(view.questions, "question", "questions")}`,
  next: "Go to Train",

  drop: "Drop documents or a dataset here",
  role: "Labelled datasets are",
  roles: ROLES,
  sourcesEmpty: "Nothing here yet. Passages are cut from what you add; a dataset brings its own.",
  sourceName,
  sourceLine: (source: SourceView): string =>
    [
      source.format,
      bytes(source.bytes),
      plural(source.passages, "passage", "passages"),
      ...(source.questions > 0 ? [plural(source.questions, ...QUESTIONS_OF[source.role])] : []),
    ].join(" · "),
  removeSource: (name: string): string => `Remove ${name}`,
  removeTitle: (name: string): string => `Remove “${name}”?`,
  removeText: "Its passages and their questions leave the project. Finished runs keep their results.",

  encoder: "Embedding model",
  encoderHint: "Turns passages and questions into vectors. Unchanged texts are never embedded twice.",
  encoderMissing: "not on this device",
  vectors: (cached: number, needed: number): string =>
    needed === 0
      ? "Nothing to embed yet."
      : `${count(cached)} of ${plural(needed, "vector", "vectors")} ready.`,
  generating: "Questions are being written; the bar at the top shows how far, and stops it.",
  embedNow: "Embed the rest now",
  addEncoder: "Choose a model folder",
  addEndpoint: "Add an embedding endpoint",
  addEndpointHint:
    "OpenAI-compatible, up to /v1. The texts of this project are sent there when you embed them.",
  addEndpointAction: "Use this endpoint",
  addHubModel: "Get a model from Hugging Face",
  addHubModelHint:
    "Any embedding model with an ONNX export and a tokenizer. Nothing of this project is sent; the model is kept in this browser.",
  hubModelId: "Hugging Face model id",
  hubLookUp: "Look up",
  hubLookingUp: "Asking for its files…",
  hubFound: (files: number, total: number): string =>
    `${plural(files, "file", "files")}, ${megabytes(total)} MB.`,
  hubDownload: "Download",
  hubDownloading: (done: number, total: number): string =>
    `${megabytes(done)} of ${megabytes(total)} MB fetched`,
  hubTrying: "Trying the model…",
  hubCancel: "Cancel the download",
  importVectors: "Bring your own vectors",
  importVectorsHint: "float32 .npy or JSONL, one row per text in the order of the dataset file.",
  vectorSplit: "Of the dataset",
  vectorSplits: { train: "training", test: "test" },
  vectorPart: "Rows are",
  vectorParts: PARTS,
  pairs: "Pairs for a re-ranker",
  pairsHint:
    "A CSV or JSONL with query, context and score, besides what is mined from the questions. A new file takes the old one's place.",
  pairsText: (report: PairsReport): string =>
    `${report.name}: ${plural(report.pairs, "pair", "pairs")} of ${plural(report.queries, "question", "questions")}${report.scores === "teacher" ? ", scored by a teacher" : ""}.`,
  vectorsDone: (name: string): string => `${name} was read and stored.`,

  chunksEmpty: "Chunks come from documents",
  chunksEmptyText:
    "Add PDF, DOCX, Markdown, text, HTML or source code under Sources; a labelled dataset keeps the passages it came with.",
  toSources: "Go to Sources",
  maxTokens: "Longest chunk, in tokens",
  maxTokensHint: "The model sees at most 510 tokens; what is longer would be invisible to it.",
  overlap: "Overlap, in tokens",
  overlapHint: "Repeats the end of a chunk at the start of the next.",
  chunkCount: (chunks: number): string => plural(chunks, "chunk", "chunks"),
  histogram: (chunks: number, longest: number): string =>
    `Lengths of ${plural(chunks, "chunk", "chunks")}, the longest ${plural(longest, "token", "tokens")}`,
  tokens: "tokens",
  median: (value: number): string => `median ${plural(value, "token", "tokens")}`,
  applyChunks: "Use these chunks",
  chunksApplied: "These chunks are in use.",
  applyNote: "Questions stay with passages whose text does not change.",
  chunkTitle: (
    number: number,
    { document, heading, page }: { document: string; heading?: string; page?: number },
  ): string =>
    [count(number), document, page === undefined ? undefined : `page ${count(page)}`, heading]
      .filter((part) => part !== undefined)
      .join(" · "),
  firstChunks: (shown: number): string => `First ${plural(shown, "chunk", "chunks")}`,

  questionsEmpty: "No questions yet",
  questionsEmptyText:
    "Training needs questions whose right passage is known. Retune can write them by rules, from headings, definitions, numbers and salient sentences, or you import a labelled dataset.",
  generate: "Write questions",
  generateRules: "By rules",
  generateRulesHint: "Works offline, the same result every time.",
  generateEndpoint: "By a model you name",
  generateEndpointSealed: "Only on the connected page: this one cannot reach any endpoint.",
  openConnected: "Open the connected page",
  perPassage: "Questions per passage",
  endpointUrl: "Endpoint (OpenAI-compatible)",
  endpointModel: "Model",
  endpointKey: "Key (kept in memory only)",
  endpointSends: (passages: number): string =>
    `Sends the text of ${plural(passages, "passage", "passages")} to this address, one request each.`,
  startGenerate: "Write them",
  sendAndGenerate: "Send and write them",
  importQuestions: "Import a dataset",
  exportQuestions: "Export",
  filterState: "Show",
  states: { all: "All", review: "To review", accepted: "Accepted", rejected: "Rejected" },
  filterWords: "Find in questions",
  filterSplit: "Part",
  splits: { all: "Training and test", train: "Training", test: "Test" },
  shown: (shown: number, total: number): string =>
    shown === total
      ? plural(total, "question", "questions")
      : `${count(shown)} of ${plural(total, "question", "questions")}`,
  list: "Questions",
  accept: "Accept",
  reject: "Reject",
  edit: "Edit",
  editLabel: "Question",
  undone: "The last decision was taken back.",
  nothingToUndo: "There is nothing to take back.",
  acceptAll: (shown: number): string => `Accept all ${count(shown)}`,
  rejectAll: (shown: number): string => `Reject all ${count(shown)}`,
  stateOf: ({ state }: QuestionView): string => (state === "review" ? "to review" : state),
  passage: "Right passage",
  passageOf: (document: string): string => `Right passage, in ${document}`,
  made: (question: QuestionView): string => `Source: ${question.made}`,
  copyRate: (rate: number): string => `${percent(rate)} of its words are in the passage`,
  keysHint: "Keys: A accept, X reject, E edit, U undo, J and K move.",
  noneMatch: "No question matches these filters.",

  givenSides:
    "Some files say themselves which side they are for, and stand there. Dividing again gives that up and divides them by document too.",
  splitIntro:
    "Whole documents go to one side or the other, so that no test question asks about a passage seen in training.",
  train: "Training",
  test: "Test",
  trainNote: "Everything is chosen and trained on these.",
  testNote: "Judged once, after training. Nothing is ever chosen by them.",
  documents: "Documents",
  passages: "Passages",
  questions: "Questions",
  testShare: "Share of documents for the test",
  seed: "Seed",
  split: "Divide again",
  fewTest: (questions: number): string =>
    `${plural(questions, "test question", "test questions")}: too few to tell a small change from chance. From about 100 on, a difference of a few points can be seen.`,
} as const;
