// Builds the sample project: public/samples/handbook/{train,test}.json from documents/*.md and questions.json.
//
//   node scripts/sample/build.mjs            writes both files
//   node scripts/sample/build.mjs --check    writes nothing; exit code 1 where a file would change
//
// A "## " section of a document is one passage: its heading, a line break, its text with lines joined.
// questions.json: { train: [document], test: [document], questions: { "<document>-<nn>": [text, text, text] } }.
// The output is what Python's json.dump(dataset, file, indent=4) writes for a LlamaIndex dataset, with one more
// key at the end, "documents" (passage id → file name), which LlamaIndex ignores and the studio groups by.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { checkPassages, checkQuestions } from "./rules.mjs";

const FOLDER = fileURLToPath(new URL("../../public/samples/handbook/", import.meta.url));

/** Sections of one markdown document, in order: `{ id, text }`, ids `<slug>-01`, `<slug>-02`, … */
export function passagesOf(slug, markdown) {
  const [opening, ...sections] = markdown.split(/^## /m);
  if (!/^# \S/.test(opening) || sections.length === 0)
    throw new Error(`documents/${slug}.md: needs a "# title" and at least one "## section"`);
  return sections.map((section, index) => {
    const [heading, ...lines] = section.split("\n");
    const paragraphs = lines
      .join("\n")
      .trim()
      .split(/\n\s*\n/);
    const body = paragraphs.map((paragraph) => paragraph.replace(/\s+/g, " ").trim()).join("\n\n");
    return { id: `${slug}-${String(index + 1).padStart(2, "0")}`, text: `${heading.trim()}\n${body}` };
  });
}

/** `json.dump(value, file, indent=4)`: JSON.stringify's layout with every code unit past 0x7e escaped. */
export function pythonJson(value) {
  return JSON.stringify(value, null, 4).replace(
    /[\u007f-\uffff]/g,
    (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** One LlamaIndex dataset: the questions of `asked`, over the passages of `indexed` (lists of document slugs). */
export function datasetOf(asked, indexed, documents, questions) {
  const dataset = { queries: {}, corpus: {}, relevant_docs: {}, mode: "text", documents: {} };
  for (const slug of indexed) {
    for (const { id, text } of documents.get(slug)) {
      dataset.corpus[id] = text;
      dataset.documents[id] = `${slug}.md`;
    }
  }
  for (const slug of asked) {
    for (const { id } of documents.get(slug)) {
      questions[id].forEach((text, index) => {
        dataset.queries[`${id}-q${index + 1}`] = text;
        dataset.relevant_docs[`${id}-q${index + 1}`] = [id];
      });
    }
  }
  return dataset;
}

function readSources(folder) {
  const source = JSON.parse(readFileSync(join(folder, "questions.json"), "utf8"));
  const listed = [...source.train, ...source.test];
  const present = readdirSync(join(folder, "documents")).map((name) => name.replace(/\.md$/, ""));
  if ([...listed].sort().join() !== [...present].sort().join() || new Set(listed).size !== listed.length)
    throw new Error(
      "questions.json: train and test together must list every file of documents/ exactly once",
    );
  const documents = new Map(
    listed.map((slug) => [
      slug,
      passagesOf(slug, readFileSync(join(folder, "documents", `${slug}.md`), "utf8")),
    ]),
  );
  return { source, documents };
}

/** Reads, checks and returns both files' bytes, `{ "train.json": text, "test.json": text }`. */
export function buildSample(folder) {
  const { source, documents } = readSources(folder);
  const passages = [...documents.values()].flat();
  checkPassages(passages);
  checkQuestions(passages, source.questions);
  const everything = [...source.train, ...source.test];
  const train = datasetOf(source.train, source.train, documents, source.questions);
  const test = datasetOf(source.test, everything, documents, source.questions);
  return { "train.json": pythonJson(train), "test.json": pythonJson(test) };
}

function main(folder, checkOnly) {
  const built = buildSample(folder);
  for (const [name, text] of Object.entries(built)) {
    const path = join(folder, name);
    const same = existsSync(path) && readFileSync(path, "utf8") === text;
    if (checkOnly && !same) process.exitCode = 1;
    if (!checkOnly) writeFileSync(path, text);
    const { queries, corpus } = JSON.parse(text);
    const counts = `${Object.keys(queries).length} questions, ${Object.keys(corpus).length} passages`;
    console.log(`${name}: ${counts}, ${same ? "unchanged" : checkOnly ? "out of date" : "written"}`);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    main(FOLDER, process.argv.includes("--check"));
  } catch (error) {
    console.error(`${dirname(FOLDER)}/handbook: ${error.message}`);
    process.exitCode = 2;
  }
}
