import type { LabTaskId } from "../../domain/lab/lab-task.ts";

interface SystemWords {
  readonly title: string;
  readonly text: string; // what it is for, in one sentence
  readonly rows: string; // what a row of its file holds
  readonly example: string; // one row as it may stand in a file
}

export const SYSTEMS: Readonly<Record<LabTaskId, SystemWords>> = {
  sft: {
    title: "Distillation",
    text: "Teach a small model to answer as a large one does.",
    rows: "Conversations with the teacher's answers, as OpenAI's chat JSONL.",
    example: '{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}',
  },
  "text-to-sql": {
    title: "Questions to SQL",
    text: "Turn questions into queries that return the right rows.",
    rows: "A question, the CREATE TABLE statements and the right query.",
    example: '{"question": "…", "context": "CREATE TABLE …", "answer": "SELECT …"}',
  },
  code: {
    title: "Code and small languages",
    text: "Write commands or code of a language of your own.",
    rows: "What is wanted, and the code for it.",
    example: '{"prompt": "…", "code": "…"}',
  },
  "function-calling": {
    title: "Function calls and structured output",
    text: "Answer in JSON that fits a schema, or call the right function.",
    rows: "Conversations with tools, or a prompt, a JSON schema and the answer.",
    example: '{"prompt": "…", "schema": {…}, "answer": {…}}',
  },
  memorise: {
    title: "Remembering facts",
    text: "See how far a model learns facts by heart, beside search on the same model.",
    rows: "Questions and answers, with other wordings and facts that are never trained.",
    example: '{"question": "…", "answer": "…", "paraphrases": ["…"]}',
  },
  "ra-dit": {
    title: "Retrieval-augmented tuning",
    text: "Teach the model to use what is retrieved, and the retriever what helps the model.",
    rows: "Questions and answers, with passages to retrieve from.",
    example: '{"question": "…", "answer": "…", "passages": ["…"]}',
  },
  judge: {
    title: "Judging answers",
    text: "Make a small model judge as a large one does.",
    rows: "A question, two answers and the verdict; or one answer and a score from 1 to 5.",
    example: '{"question": "…", "answerA": "…", "answerB": "…", "verdict": "A"}',
  },
  react: {
    title: "Agents with tools",
    text: "Teach the steps of thought, action and observation.",
    rows: "Traces of an agent, as chat JSONL or text, with its tools.",
    example: "Thought: … Action: … Action Input: {…} Observation: …",
  },
  style: {
    title: "Style",
    text: "Rewrite texts in a style and keep what they say.",
    rows: "A plain text and the same in the style.",
    example: '{"input": "…", "output": "…"}',
  },
  "llm-selector": {
    title: "Choosing a tool",
    text: "Let a language model choose among tools or indexes.",
    rows: "A question, the choices and the right one.",
    example: '{"question": "…", "choices": ["…"], "answer": 1}',
  },
};
