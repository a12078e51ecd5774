import type { Conversation } from "../../chat/template-messages.ts";

/**
 * How a question is put to a model. "chat" is ours. "powerful" is the text of the guide's project (run-llama/modal_finetune_sql,
 * src/common.py), as one message: models tuned with it, and its published figures, can be met with it.
 */
export type SqlTemplate = "chat" | "powerful";

export interface SqlQuestion {
  readonly question: string;
  readonly context: string; // CREATE TABLE statements
}

const SYSTEM =
  "You write SQLite queries. Answer the question with one SELECT statement over the tables given, and nothing else.";

/** The last space of the first line is theirs. */
const POWERFUL = [
  "You are a powerful text-to-SQL model. Your job is to answer questions about a database. ",
  "You are given a question and context regarding one or more tables. \n\n",
  "You must output the SQL query that answers the question.",
].join("");

/** The prompt; its answer is the SQL. */
export function sqlPrompt({ question, context }: SqlQuestion, template: SqlTemplate): Conversation {
  if (template === "powerful") {
    const content = `${POWERFUL}\n\n### Input:\n${question}\n\n### Context:\n${context}\n\n### Response:\n`;
    return { messages: [{ role: "user", content }] };
  }
  const content = `${context}\n\n${question}`;
  return {
    messages: [
      { role: "system", content: SYSTEM },
      { role: "user", content },
    ],
  };
}

/** To a model of placeholders: the schema and the question, nothing around them. */
export function bareSqlPrompt({ question, context }: SqlQuestion): Conversation {
  return { messages: [{ role: "user", content: `${context} ${question}` }] };
}

/**
 * The SQL of an answer: what stands in its first fence, else its text up to the first blank line; without what the template
 * repeats ("### Response:"), and without the semicolon at its end.
 */
export function sqlOf(answer: string): string {
  const said = answer.split("### Response:").at(-1)!;
  const fenced = /```[a-z0-9]*\s*\n?([\s\S]*?)(?:```|$)/i.exec(said)?.[1];
  const text = (fenced ?? said).trim().split(/\n\s*\n/)[0]!;
  return text.replace(/[\s;]+$/, "");
}
