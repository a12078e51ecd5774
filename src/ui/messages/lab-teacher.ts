import { plural } from "../format.ts";

/** Words about rows that a teacher answers here. */
export const labTeacher = {
  title: "Rows made here",
  text: "A large model, the teacher, answers questions over passages that a word search finds. Its answers become rows to learn.",
  sealed: "Only on the connected page: this one cannot reach any teacher.",
  legend: "Where the questions come from",
  project: "A search project",
  file: "A file of questions",
  fileHint:
    "JSON Lines or CSV with “question” and “passages” to answer from, or a text with one question a line.",
  projectChoice: "Search project",
  projectOption: (name: string, questions: number): string =>
    `${name} (${plural(questions, "question", "questions")})`,
  noProjects: "No search project has questions yet. Write some under its Data, or take a file.",
  chosen: (name: string): string => `${name} is taken.`,
  questions: "Questions to ask, at most",
  topK: "Passages for each question",
  sends: (topK: number): string =>
    `Sends each question with up to ${plural(topK, "passage", "passages")} to this address and nothing else. Answers are kept as they come; none is asked for twice.`,
  ask: "Send and ask the teacher",
  asking: (done: number, total: number): string => (total === 0 ? "Asking…" : `${done} of ${total} answered`),
  cancel: "Stop asking",
  refused: "If the server refuses this page",
  fixes: (origin: string): readonly (readonly [string, string])[] => [
    ["Ollama", `OLLAMA_ORIGINS=${origin} ollama serve`],
    ["LM Studio", "lms server start --cors"],
    [
      "Any other",
      `npm run -s retune -- log-proxy --endpoint https://… --out calls.jsonl --allow-origin ${origin}`,
    ],
  ],
} as const;
