import type { ChunkOptions, TokenCounter } from "../../domain/text/chunk.ts";
import { chunkBlocks, passagesOf } from "../../domain/text/chunk.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { ChunkPreview, ChunkSettings } from "../studio-data.ts";

const SHOWN = 50;

export function chunkOptions(chunking: ChunkSettings, countTokens: TokenCounter): ChunkOptions {
  const minTokens = Math.min(24, Math.floor(chunking.maxTokens / 4));
  return { ...chunking, minTokens, countTokens };
}

/** What the text files of a project would become; datasets keep their passages and are not counted. */
export function previewOf(contents: readonly SourceContent[], options: ChunkOptions): ChunkPreview {
  const lengths: number[] = [];
  const first: ChunkPreview["first"][number][] = [];
  for (const { source } of contents) {
    for (const chunk of chunkBlocks(source.blocks ?? [], options)) {
      lengths.push(Math.round(chunk.tokens));
      if (first.length >= SHOWN) continue;
      const { heading, page, text } = chunk;
      const place = {
        ...(heading === undefined ? {} : { heading }),
        ...(page === undefined ? {} : { page }),
      };
      first.push({ document: source.name, text, ...place });
    }
  }
  return { count: lengths.length, lengths, first };
}

/** The text files cut anew. Questions stay where their passage is still there, word for word. */
export async function rechunked(
  contents: readonly SourceContent[],
  options: ChunkOptions,
): Promise<readonly SourceContent[]> {
  const changed: SourceContent[] = [];
  for (const content of contents) {
    const { source } = content;
    if (!source.blocks) continue;
    const passages = await passagesOf({ name: source.name, blocks: source.blocks }, options);
    const kept = new Set(passages.map((passage) => passage.id));
    const questions = content.questions.filter(({ relevant }) =>
      relevant.every((row) => kept.has(row.passage)),
    );
    changed.push({ source, passages, questions });
  }
  return changed;
}
