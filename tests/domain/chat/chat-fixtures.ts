import { readFileSync } from "node:fs";

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
