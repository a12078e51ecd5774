import { randomBytes } from "node:crypto";

const ROW_BYTES = 90_000;

/** A LlamaIndex dataset of about `megabytes` that no compression makes smaller, with one question a passage. */
export function incompressibleDataset(megabytes: number): Buffer {
  const rows = Math.ceil((megabytes * 1e6) / ROW_BYTES);
  const corpus: Record<string, string> = {};
  const queries: Record<string, string> = {};
  const relevant: Record<string, string[]> = {};
  for (let row = 0; row < rows; row++) {
    corpus[`p${row}`] = randomBytes((ROW_BYTES * 3) / 4).toString("base64");
    queries[`q${row}`] = `What is row ${row}?`;
    relevant[`q${row}`] = [`p${row}`];
  }
  return Buffer.from(JSON.stringify({ queries, corpus, relevant_docs: relevant, mode: "text" }));
}
