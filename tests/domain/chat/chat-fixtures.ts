import { readFileSync } from "node:fs";
import { ChatFormat } from "../../../src/domain/chat/chat-format.ts";
import type { Chat } from "../../../src/domain/formats/datasets/chat.ts";
import { openAiChatFormat } from "../../../src/domain/formats/datasets/openai-chat.ts";

/** What transformers makes of the conversations of tests/fixtures/chat (make_reference.py there). */
export interface ChatReference {
  readonly plain: readonly (readonly number[])[];
  readonly special: readonly (readonly number[])[];
  readonly chats: readonly {
    readonly rows: readonly { readonly ids: readonly number[]; readonly mask: string }[];
    readonly prompt: readonly number[];
  }[];
}

export const FOLDER = "tests/fixtures/chat";
export const NAMES = ["chatml", "llama3", "qwen", "zephyr"] as const;
export type Name = (typeof NAMES)[number];

export const reference = JSON.parse(readFileSync(`${FOLDER}/reference.json`, "utf8")) as {
  readonly texts: readonly string[];
  readonly tags: readonly {
    readonly template: string;
    readonly text: string;
    readonly answers: readonly string[];
  }[];
  readonly check: {
    readonly faulty: readonly unknown[];
    readonly counts: Readonly<Record<string, number>>;
    readonly plain: readonly unknown[];
    readonly estimate: readonly string[];
  };
} & Readonly<Record<Name, ChatReference>>;

export function filesOf(name: Name): { tokenizerJson: string; tokenizerConfigJson: string } {
  const file = (own: string): string => readFileSync(`${FOLDER}/${name}/${own}`, "utf8");
  return { tokenizerJson: file("tokenizer.json"), tokenizerConfigJson: file("tokenizer_config.json") };
}

/** The files with some members of tokenizer_config.json replaced. */
export function withConfig(
  name: Name,
  changes: Readonly<Record<string, unknown>>,
): { tokenizerJson: string; tokenizerConfigJson: string } {
  const files = filesOf(name);
  const config = JSON.parse(files.tokenizerConfigJson) as Record<string, unknown>;
  return { ...files, tokenizerConfigJson: JSON.stringify({ ...config, ...changes }) };
}

/** The conversations beside; weights dropped, which transformers does not know. */
export async function conversations(): Promise<Chat[]> {
  const bytes = new Uint8Array(readFileSync(`${FOLDER}/conversations.jsonl`));
  const { data } = await openAiChatFormat.read(new Map([["conversations.jsonl", bytes]]));
  if (data.kind !== "chats") throw new Error("no chats");
  return data.chats.map((chat) => ({
    ...chat,
    messages: chat.messages.map(({ weight: _, ...message }) => message),
  }));
}

/** Values as JSON Lines. */
export function jsonLines(values: readonly unknown[]): Uint8Array {
  return new TextEncoder().encode(values.map((value) => JSON.stringify(value)).join("\n"));
}

/** A model's format with its template changed. */
export function formatOf(name: Name, change: (template: string) => string = (same) => same): ChatFormat {
  return new ChatFormat({ ...filesOf(name), chatTemplate: change(templateOf(name)) });
}

export function templateOf(name: Name): string {
  return readFileSync(`${FOLDER}/templates/${name}.jinja`, "utf8");
}

/** The same template without marks of what the assistant wrote. */
export function unmarked(template: string): string {
  return template
    .replace(/\{%-\s*generation\s*%\}/g, "{%- if true %}")
    .replace(/\{%-\s*endgeneration\s*%\}/g, "{%- endif %}");
}
