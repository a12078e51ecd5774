// What RA-DIT learns from: JSON Lines (or CSV with the same columns, lists as JSON), one question a row:
//
//   {"id": "q1", "question": "…", "answer": "…", "context": "…", "contexts": ["…", "…"], "document": "…"}
//
//   context    the passage that answers it: hit rates need it; may be left out
//   contexts   further passages: all passages of the file together are what the retrievers search
//   document   rows of one document never stand on both sides; without it rows of one `context` do not
//
// "query" and "response" are read for question and answer, and so is the guide's form: chat JSON Lines whose user asks over a passage
// (question-prompt.ts). A file of passages may be given beside: {"id", "text", "document"?}.
import type { LabExample } from "../lab-task.ts";
import type { RetrievedPassage } from "../passage-retriever.ts";

export interface RaditExample extends LabExample {
  readonly question: string;
  readonly answer: string;
  readonly right: string | undefined; // text of the passage that answers it
  readonly contexts: readonly string[]; // passages that the row brings, the right one among them
  readonly retrieved: readonly RetrievedPassage[]; // best first; empty until a retriever has run
}
