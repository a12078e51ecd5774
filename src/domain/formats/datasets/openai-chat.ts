// OpenAI's chat JSON Lines: {"messages": [{"role", "content", …}], "tools" | "functions"?} a line. Written byte for byte
// as LlamaIndex's fine-tuning handler does: Python's json.dumps, rows joined by "\n" without one at the end.
import { parseJson } from "../json.ts";
import { pythonString } from "../llamaindex-dataset.ts";
import type { Chat, ChatCall, ChatMessage } from "./chat.ts";
import { repeatsRole } from "./chat-order.ts";
import { CHAT_KEYS, MESSAGE_KEYS, readChat } from "./chat-reader.ts";
import type { DatasetFiles, DatasetFormat, Reading } from "./dataset-format.ts";
import { onlyFile, shareOfRows } from "./glimpse.ts";
import { readJsonRows, type JsonRow } from "./json-rows.ts";
import { pythonText } from "./json-text.ts";
import { RowReport } from "./row-report.ts";
import { asPromise, filesOf, soleFile } from "./single-file.ts";
import { turnInto } from "./turn.ts";

const LABEL = "OpenAI's chat file";
const CONTEXT_TOKENS = 4096; // what OpenAI's own check of fine-tuning files compares with

/** OpenAI chat JSON Lines, with tool calls and the older function calls. */
export const openAiChatFormat: DatasetFormat = {
  id: "openai-chat",
  label: "OpenAI chat (JSON Lines)",
  kinds: ["chats"],

  detect(files) {
    const file = onlyFile(files);
    const confidence = file
      ? shareOfRows(file[1], ({ entries }) => entries.get("messages")?.kind === "array")
      : 0;
    return Promise.resolve(confidence > 0 ? { format: "openai-chat", confidence } : undefined);
  },

  read: (files, { skipBadRows = false } = {}) => asPromise(() => readChats(files, skipBadRows)),

  async write(given) {
    const { data, losses } = await turnInto(["chats"], given);
    return { files: filesOf("chats.jsonl", data.chats.map(chatText).join("\n")), losses };
  },
};

function readChats(files: DatasetFiles, skipBadRows: boolean): Reading {
  const [name, bytes] = soleFile(files, LABEL);
  const report = new RowReport(skipBadRows);
  const chats: Chat[] = [];
  for (const row of readJsonRows(name, bytes, report, CHAT_KEYS)) {
    const chat = report.row(name, row.line, () => readChat(row));
    if (!chat) continue;
    note(chat, row, report);
    chats.push(chat);
  }
  if (chats.length === 0) throw report.nothingRead(name, "no chat in it");
  return { data: { kind: "chats", chats }, warnings: report.warnings, badRows: report.badRows };
}

/**
 * Tokens of a chat by OpenAI's count: 3 a message, 3 at the end, those of every text, these estimated as a quarter of
 * its characters.
 */
export function estimatedTokens({ messages }: Chat): number {
  const characters = messages.reduce((sum, { role, content = "", name = "", calls = [] }) => {
    const called = calls.reduce((own, call) => own + call.name.length + call.arguments.length, 0);
    return sum + role.length + content.length + name.length + called;
  }, 0);
  return 3 * messages.length + 3 + Math.ceil(characters / 4);
}

function note(chat: Chat, row: JsonRow, report: RowReport): void {
  const { file, line } = row;
  const tokens = estimatedTokens(chat);
  if (tokens > CONTEXT_TOKENS) {
    const what = `about ${tokens} tokens, more than ${CONTEXT_TOKENS}; training may cut the chat off`;
    report.warn("context-length", file, line, what);
  }
  if (repeatsRole(chat.messages))
    report.warn(
      "role-order",
      file,
      line,
      "two messages of one role follow each other; some chat templates refuse that",
    );
  for (const message of row.items("messages")) {
    if (message.kind !== "object") continue;
    for (const key of message.entries.keys()) {
      if (!MESSAGE_KEYS.includes(key))
        report.warn("extra-key", file, line, `the key ${JSON.stringify(key)} is not used`);
    }
  }
}

function chatText({ messages, functions = [], style }: Chat): string {
  const definitions = functions.map(({ definition }) => pythonText(parseJson(definition).root));
  const isTools = style === "tools";
  const own = definitions.map((text) => (isTools ? `{"type": "function", "function": ${text}}` : text));
  const members = [`"messages": [${messages.map((message) => messageText(message, isTools)).join(", ")}]`];
  if (own.length > 0) members.push(`"${isTools ? "tools" : "functions"}": [${own.join(", ")}]`);
  return `{${members.join(", ")}}`;
}

function messageText({ role, content, name, calls, answers, weight }: ChatMessage, isTools: boolean): string {
  const members = [`"role": ${pythonString(role)}`];
  if (content !== undefined) members.push(`"content": ${pythonString(content)}`);
  if (name !== undefined) members.push(`"name": ${pythonString(name)}`);
  if (calls) {
    if (isTools) members.push(`"tool_calls": [${calls.map(toolCallText).join(", ")}]`);
    else members.push(`"function_call": ${callText(calls[0]!)}`);
  }
  if (answers !== undefined) members.push(`"tool_call_id": ${pythonString(answers)}`);
  if (weight !== undefined) members.push(`"weight": ${weight}`);
  return `{${members.join(", ")}}`;
}

function toolCallText(call: ChatCall): string {
  return `{"id": ${pythonString(call.id ?? "")}, "type": "function", "function": ${callText(call)}}`;
}

function callText({ name, arguments: given }: ChatCall): string {
  return `{"name": ${pythonString(name)}, "arguments": ${pythonString(given)}}`;
}
