import type { ReadTransaction } from "./connection.ts";
import type { ContentTally, RowBlock, SourceRecord } from "./records.ts";
import type { ContentTransaction, RowStore } from "./row-packs.ts";

const READ_BLOCKS = 8;

/** The files of a project that are not part of an open import, in order. */
export async function visibleSources(
  transaction: ReadTransaction<"sources" | "imports" | RowStore> | ContentTransaction,
  projectId: string,
): Promise<SourceRecord[]> {
  const rows = transaction as ReadTransaction<"sources" | "imports">; // only read here, in whatever transaction
  const sources = await rows.objectStore("sources").index("project").getAll(projectId);
  const open = new Set(await rows.objectStore("imports").index("project").getAllKeys(projectId));
  return sources
    .filter(({ importId }) => importId === undefined || !open.has(importId))
    .sort((a, b) => a.sequence - b.sequence);
}

/** Hands over the blocks of a project a few at a time: a single answer with 10⁵ rows would be held twice. */
export async function eachBlock<Block extends RowBlock<unknown>>(
  transaction: ReadTransaction<"sources" | "imports" | RowStore>,
  name: RowStore,
  projectId: string,
  take: (block: Block) => void,
): Promise<void> {
  const store = transaction.objectStore(name);
  let range = IDBKeyRange.bound([projectId], [projectId, []]);
  for (;;) {
    const blocks = (await store.getAll(range, READ_BLOCKS)) as unknown as Block[];
    for (const block of blocks) take(block);
    const last = blocks.at(-1);
    if (!last || blocks.length < READ_BLOCKS) return;
    range = IDBKeyRange.bound([projectId, last.sourceId, last.block], [projectId, []], true);
  }
}

export async function lastSequence(transaction: ContentTransaction, projectId: string): Promise<number> {
  const sources = await transaction.objectStore("sources").index("project").getAll(projectId);
  return sources.reduce((highest, source) => Math.max(highest, source.sequence), 0);
}

export function tallyOf(sources: readonly SourceRecord[]): ContentTally {
  return {
    sources: sources.length,
    passages: sources.reduce((sum, source) => sum + source.passages, 0),
    questions: sources.reduce((sum, source) => sum + source.questions, 0),
  };
}
