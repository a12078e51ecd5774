// QASPER's published file: {paper id: {"title", "abstract", "full_text": [{"section_name", "paragraphs": [texts]}],
// "figures_and_tables": [{"caption"}], "qas": [{"question", "question_id", "answers": [{"answer": {"evidence": [texts]}}]}]}}.
// Paragraphs, abstracts and captions become passages, a paper their document, the evidence of all answers right passages.
import type { DatasetFormat } from "./dataset-format.ts";
import { onlyFile, outlineOf } from "./glimpse.ts";
import { readQasper } from "./qasper-reader.ts";
import { writeQasper } from "./qasper-writer.ts";
import { asPromise, filesOf, soleFile } from "./single-file.ts";
import { toRetrieval } from "./turn.ts";

/** QASPER's JSON file: questions about papers with the paragraphs that answer them. */
export const qasperFormat: DatasetFormat = {
  id: "qasper",
  label: "QASPER (JSON)",
  kinds: ["retrieval"],

  detect(files) {
    const file = onlyFile(files);
    const inner = file ? outlineOf(file[1]).inner : [];
    const found = ["full_text", "qas"].filter((key) => inner.includes(key)).length;
    return Promise.resolve(found > 0 ? { format: "qasper", confidence: found / 2 } : undefined);
  },

  read(files, { skipBadRows = false } = {}) {
    return asPromise(() => {
      const [name, bytes] = soleFile(files, "A QASPER file");
      return readQasper(name, bytes, skipBadRows);
    });
  },

  async write(given) {
    const { data, losses } = await toRetrieval(given);
    const { text, losses: own } = writeQasper(data);
    return { files: filesOf("qasper.json", text), losses: [...losses, ...own] };
  },
};
