import type { Dataset } from "../../domain/data/dataset.ts";
import { Sha256 } from "../../domain/data/sha256.ts";
import { hexadecimal } from "../storage/digest.ts";
import type { ProjectData } from "./project-data.ts";

const known = new WeakMap<ProjectData, string>();

/**
 * SHA-256 over the texts and judgements of both sides, as JSON: a run belongs to exactly this data. Negatives count where
 * somebody decided on them, be it that none is wanted. Written piece by piece: of 10⁵ passages the JSON alone would be some 60 MB.
 */
export function dataHash(data: ProjectData): Promise<string> {
  let hash = known.get(data);
  if (hash === undefined) {
    hash = hashOf(data);
    known.set(data, hash);
  }
  return Promise.resolve(hash);
}

function hashOf({ train, test }: ProjectData): string {
  const writer = new HashedText();
  writer.list([train, test], (dataset) => writeRows(writer, dataset));
  return writer.finish();
}

function writeRows(writer: HashedText, { passages, queries }: Dataset): void {
  writer.add("[");
  writer.list(passages, ({ id, text }) => writer.add(JSON.stringify([id, text])));
  writer.add(",");
  writer.list(queries, ({ id, text, relevant, negatives }) => {
    const judgements = relevant.map((row) => [row.passage, row.grade]);
    writer.add(JSON.stringify([id, text, judgements, ...(negatives ? [negatives] : [])]));
  });
  writer.add("]");
}

class HashedText {
  private readonly hash = new Sha256();

  add(text: string): void {
    this.hash.addText(text);
  }

  list<Row>(rows: readonly Row[], write: (row: Row) => void): void {
    this.add("[");
    for (const [index, row] of rows.entries()) {
      if (index > 0) this.add(",");
      write(row);
    }
    this.add("]");
  }

  finish(): string {
    return hexadecimal(this.hash.finish());
  }
}
