/** A function that the model may call. */
export interface ChatFunction {
  readonly name: string;
  readonly definition: string; // {"name", "description"?, "parameters"?, …} as JSON text, key order kept
}

export interface ChatCall {
  readonly id?: string; // tool calls have one, the older function_call has none
  readonly name: string;
  readonly arguments: string; // JSON text of an object
}

export type ChatRole = "system" | "developer" | "user" | "assistant" | "tool" | "function";

export interface ChatMessage {
  readonly role: ChatRole;
  readonly content?: string; // missing in a message that only calls
  readonly name?: string;
  readonly calls?: readonly ChatCall[]; // of the assistant, at least one
  readonly answers?: string; // id of the call that a "tool" message answers
  readonly weight?: number; // 0: not learnt from (OpenAI)
}

/** One conversation to learn from: its last message is the assistant's. */
export interface Chat {
  readonly messages: readonly ChatMessage[];
  readonly functions?: readonly ChatFunction[];
  readonly style: "plain" | "tools" | "functions"; // how calls and definitions are written in the file
}
