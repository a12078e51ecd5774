import { RetuneError } from "../../../engine/errors.ts";
import { openZip } from "../zip.ts";
import type { DatasetFiles } from "./dataset-format.ts";
import { attempt } from "./glimpse.ts";

/** The files of a BEIR dataset, whatever folder they lie in; qrels by split. */
export interface BeirFiles {
  readonly corpus: BeirFile;
  readonly queries: BeirFile;
  readonly qrels: readonly (BeirFile & { readonly split: string })[];
  readonly others: readonly string[]; // names of files that are none of these
}

export interface BeirFile {
  readonly name: string;
  bytes(): Uint8Array; // unpacked when asked for
}

const SPLIT_ORDER = ["train", "dev", "test"];
const JUNK = /(?:^|\/)(?:__MACOSX\/|\.|Thumbs\.db$)/;

/** Folder or zip → its parts; undefined where corpus.jsonl or queries.jsonl is missing. Throws openZip's errors. */
function beirFiles(files: DatasetFiles): BeirFiles | undefined {
  const all = isZip(files)
    ? unpacked(files)
    : Array.from(files, ([name, bytes]) => ({ name, bytes: () => bytes }));
  const corpus = all.find(({ name }) => /(?:^|\/)corpus\.jsonl$/.test(name) && !JUNK.test(name));
  if (!corpus) return undefined;
  const folder = corpus.name.slice(0, -"corpus.jsonl".length);
  const queries = all.find(({ name }) => name === `${folder}queries.jsonl`);
  if (!queries) return undefined;
  const qrels = all.flatMap((file) => {
    const split =
      file.name.startsWith(folder) && /^qrels\/([^/]+)\.tsv$/.exec(file.name.slice(folder.length))?.[1];
    return split ? [{ ...file, split }] : [];
  });
  const used = new Set([corpus, queries, ...qrels].map(({ name }) => name));
  const others = all
    .map(({ name }) => name)
    .filter((name) => !used.has(name) && !name.endsWith("/") && !JUNK.test(name));
  return { corpus, queries, qrels: qrels.sort((one, other) => rank(one.split) - rank(other.split)), others };
}

/** The parts of a folder that misses none; E_FIELD with what is missing. */
export function requireBeirFiles(files: DatasetFiles): BeirFiles {
  const found = beirFiles(files);
  if (found && found.qrels.length > 0) return found;
  const missing = found ? "qrels/*.tsv" : "corpus.jsonl or queries.jsonl";
  const names = [...files.keys()].slice(0, 8).join(", ") || "nothing";
  const what = `${missing} is missing: a BEIR dataset has corpus.jsonl, queries.jsonl and qrels/*.tsv`;
  throw new RetuneError("E_FIELD", `${what}; found ${names}`);
}

/** The same for a glimpse: undefined for a broken archive too. */
export function glimpseOfBeir(files: DatasetFiles): BeirFiles | undefined {
  return attempt(() => beirFiles(files));
}

function isZip(files: DatasetFiles): boolean {
  const [only] = files.values();
  return (
    files.size === 1 && only !== undefined && String.fromCharCode(...only.subarray(0, 4)) === "PK\u0003\u0004"
  );
}

function unpacked(files: DatasetFiles): BeirFile[] {
  const [name, bytes] = [...files][0]!;
  const archive = openZip(bytes, name);
  return Array.from(archive.entries.values(), (entry) => ({
    name: entry.name,
    bytes: () => archive.extract(entry),
  }));
}

function rank(split: string): number {
  const place = SPLIT_ORDER.indexOf(split);
  return place < 0 ? SPLIT_ORDER.length : place;
}
