import type { RunRecord } from "./record.ts";

/** What stdout says of a retrieval run. */
export function summaryOf(record: RunRecord): string {
  const shown = [
    ["base", record.base],
    ["base + instruction", record.baseInstruction],
    ["BM25", record.bm25],
    ["hybrid of base", record.hybridBase],
    ["tuned", record.tuned],
    ["hybrid of tuned", record.hybridTuned],
  ] as const;
  const rows = shown.flatMap(([name, metrics]) =>
    metrics ? [`${name.padEnd(20)} ${metrics["hit@5"].toFixed(4)}  ${metrics["mrr@10"].toFixed(4)}`] : [],
  );
  const delta = record.delta?.["mrr@10"];
  const verdict = delta
    ? [
        `tuned − base: ${signed(delta.value)} [${signed(delta.low)}, ${signed(delta.high)}], ${record.verdict}`,
      ]
    : [];
  const head = rows.length > 0 ? [`${"".padEnd(20)} hit@5   MRR@10`] : [];
  return [...head, ...rows, ...verdict].map((line) => `${line}\n`).join("");
}

/** A difference with its sign. */
export function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;
}
