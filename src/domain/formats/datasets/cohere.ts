// Cohere's re-ranker file as LlamaIndex writes it (llamaindex.md §7), byte for byte:
// {"query":…,"relevant_passages":[…],"hard_negatives":[…]} a line. LlamaIndex itself puts only the first right passage
// there; the file holds all of them, and so do we.
import type { DatasetFormat } from "./dataset-format.ts";
import { onlyFile, shareOfRows } from "./glimpse.ts";
import { readJsonRows } from "./json-rows.ts";
import { judgedTexts } from "./judged.ts";
import { retrievalLosses } from "./losses.ts";
import { RowReport } from "./row-report.ts";
import { filesOf, jsonLines, soleFile } from "./single-file.ts";
import { TextRows } from "./text-rows.ts";
import { toRetrieval } from "./turn.ts";

const LABEL = "Cohere's file";
const KEYS = ["query", "relevant_passages", "hard_negatives"];

/** Cohere's re-ranker JSON Lines. */
export const cohereFormat: DatasetFormat = {
  id: "cohere",
  label: "Cohere re-ranker (JSON Lines)",
  kinds: ["retrieval"],

  detect(files) {
    const file = onlyFile(files);
    const confidence = file ? shareOfRows(file[1], ({ entries }) => entries.has("relevant_passages")) : 0;
    return Promise.resolve(confidence > 0 ? { format: "cohere", confidence } : undefined);
  },

  async read(files, { skipBadRows = false } = {}) {
    const [name, bytes] = soleFile(files, LABEL);
    const report = new RowReport(skipBadRows);
    const rows = new TextRows(name, report);
    for (const row of readJsonRows(name, bytes, report, KEYS)) {
      report.row(name, row.line, () => {
        const positives = row.texts("relevant_passages").map((text) => ({ text, grade: 1 }));
        const negatives = row.texts("hard_negatives");
        rows.add({ line: row.line, query: row.text("query"), positives, negatives });
      });
    }
    return { data: await rows.data(), warnings: report.warnings, badRows: report.badRows };
  },

  async write(given) {
    const { data, losses } = await toRetrieval(given);
    const rows = judgedTexts(data).map(({ text, positives, negatives }) => ({
      query: text,
      relevant_passages: positives.map((positive) => positive.text),
      hard_negatives: negatives,
    }));
    const beside = retrievalLosses(LABEL, data, {
      ids: "none",
      passagesByText: true,
      manyPositives: true,
      grades: false,
      negatives: true,
      unusedPassages: false,
      documents: false,
      splits: false,
      prompts: false,
    });
    return { files: filesOf("train.jsonl", jsonLines(rows)), losses: [...losses, ...beside] };
  },
};
