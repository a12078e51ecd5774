import type { LabTaskId } from "../../domain/lab/lab-task.ts";

interface SystemWords {
  readonly title: string;
  readonly text: string; // what it is for, in one sentence
  readonly rows: string; // what a row of its file holds
  readonly example: string; // a row as a file may hold it
}

export const SYSTEMS: Readonly<Record<LabTaskId, SystemWords>> = {
  sft: {
    title: "Distillation",
    text: "Teach a small model to answer as a large one does.",
    rows: "Conversations with the teacher's answers, as OpenAI's chat JSONL.",
    example:
      '{"messages": [{"role": "user", "content": "What is a lease?"}, {"role": "assistant", "content": "A contract."}]}',
  },
  "text-to-sql": {
    title: "Questions to SQL",
    text: "Turn questions into queries that return the right rows.",
    rows: "A question, the CREATE TABLE statements and the right query.",
    example:
      '{"question": "How many films?", "context": "CREATE TABLE films (name TEXT)", "answer": "SELECT COUNT(*) FROM films"}',
  },
  code: {
    title: "Code and small languages",
    text: "Write commands or code of a language of your own.",
    rows: "What is wanted, and the code for it.",
    example: '{"prompt": "Go two steps north.", "code": "move north 2"}',
  },
  "function-calling": {
    title: "Function calls and structured output",
    text: "Answer in JSON that fits a schema, or call the right function.",
    rows: "Conversations with tools, or a prompt, a JSON schema and the answer.",
    example:
      '{"prompt": "Ann is 31.", "schema": {"type": "object", "properties": {"age": {"type": "integer"}}}, "answer": {"age": 31}}',
  },
  memorise: {
    title: "Remembering facts",
    text: "See how far a model learns facts by heart, beside search on the same model.",
    rows: "Questions and answers, with other wordings and facts that are never trained.",
    example: '{"question": "Who wrote it?", "answer": "Ann.", "paraphrases": ["By whom is it?"]}',
  },
  "ra-dit": {
    title: "Retrieval-augmented tuning",
    text: "Teach the model to use what is retrieved, and the retriever what helps the model.",
    rows: "Questions and answers, with passages to retrieve from.",
    example:
      '{"question": "Who wrote it?", "answer": "Ann.", "context": "Ann wrote it.", "contexts": ["Ben read it."]}',
  },
  judge: {
    title: "Judging answers",
    text: "Make a small model judge as a large one does.",
    rows: "A question, two answers and the verdict; or one answer and a score from 1 to 5.",
    example: '{"question": "Who wrote it?", "answer_a": "Ann.", "answer_b": "Ben.", "verdict": "A"}',
  },
  react: {
    title: "Agents with tools",
    text: "Teach the steps of thought, action and observation.",
    rows: "Traces of an agent, as chat JSONL or text, with its tools.",
    example:
      'Question: How old is Ann?\nThought: I look it up.\nAction: lookup\nAction Input: {"key": "Ann"}\nObservation: 31\nThought: I know it.\nAnswer: 31',
  },
  style: {
    title: "Style",
    text: "Rewrite texts in a style and keep what they say.",
    rows: "A plain text and the same in the style.",
    example: '{"neutral": "The gate is red.", "styled": "Ahoy, ye gate be red!"}',
  },
  "llm-selector": {
    title: "Choosing a tool",
    text: "Let a language model choose among tools or indexes.",
    rows: "A question, the choices and the right one.",
    example: '{"question": "How old is Ann?", "choices": ["people", "places"], "answer": 1}',
  },
};
