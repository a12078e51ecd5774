import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSafetensors } from "../../src/domain/formats/safetensors.ts";
import { FOLDER } from "../domain/chat/chat-fixtures.ts";
import { randomDecoder } from "../domain/generate/random-decoder.ts";

/** A folder with a decoder that has learnt nothing, "tiny-decoder", as transformers saves one. */
export function labFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "retune-lab-"));
  const model = join(folder, "tiny-decoder");
  mkdirSync(model);
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    cpSync(join(FOLDER, "chatml", name), join(model, name));
  }
  const { config, weights } = randomDecoder("qwen2");
  writeFileSync(
    join(model, "config.json"),
    JSON.stringify({ ...config.raw, architectures: ["Qwen2ForCausalLM"] }),
  );
  writeFileSync(join(model, "model.safetensors"), writeSafetensors(weights, new Map([["format", "pt"]])));
  return folder;
}

/** JSON Lines. */
export function writeRows(folder: string, name: string, rows: readonly object[]): void {
  writeFileSync(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}
