// What distillation learns from: OpenAI's chat JSON Lines, as LlamaIndex's OpenAIFineTuningHandler writes them and the recorder
// and `retune log-proxy` do, one conversation a line, its last message the teacher's answer:
//
//   {"messages": [{"role": "system", "content": "…"}, {"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
//
// Besides: "functions" or "tools", "weight" (0: not learnt) of a message; "group" and "document" of a line (rows of one document
// never stand on both sides); {"inputs": "text"} of Gradient's form is learnt as a whole and never judged. Where the last
// question has the form of question-prompt.ts, its context and question are known and faithfulness can be judged.
import type { Chat } from "../../formats/datasets/chat.ts";
import type { LabExample } from "../lab-task.ts";

export interface DistilExample extends LabExample {
  readonly chat: Chat;
  readonly question: string; // the last question asked
  readonly context: string | undefined; // what it was to be answered from
  readonly answer: string; // the teacher's
}
