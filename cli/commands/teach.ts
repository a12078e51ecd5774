import { appendFile, rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { Dataset } from "../../src/domain/data/dataset.ts";
import {
  handlerLines,
  taughtRows,
  type TaughtQuestion,
  type TaughtRow,
} from "../../src/domain/lab/distil/teach.ts";
import { factLines, madeFact, type MadeFact } from "../../src/domain/lab/memorise/make-facts.ts";
import { lexicalRetriever } from "../../src/domain/lab/passage-retriever.ts";
import { endpointChat } from "../../src/domain/synth/endpoint.ts";
import { Secret } from "../../src/domain/synth/secret.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { Command } from "../command.ts";
import { loadDataset } from "../job-data.ts";
import { exists, readText, writeWhole } from "../ports/files.ts";
import { ProgressLine } from "../ports/progress.ts";

type Options = Readonly<Record<string, string | undefined>>;

/** `retune teach`: rows for distillation or memorising, answered by an endpoint the person names. */
export const teachCommand: Command = {
  shape: {
    usage: "teach DATA.json --endpoint URL --endpoint-model NAME --out FILE.jsonl",
    summary: "let a teacher answer a dataset's questions, as rows for sft or memorise jobs",
    positionals: { name: "a dataset of questions, as retune generate makes it", atLeast: 1, atMost: 1 },
    options: {
      endpoint: {
        required: true,
        value: "URL",
        help: "an OpenAI-compatible address, http://localhost:11434/v1",
      },
      "endpoint-model": {
        required: true,
        value: "NAME",
        help: "the model there; a key is read from RETUNE_API_KEY",
      },
      as: {
        value: "KIND",
        help: "chats (over passages that BM25 finds, for sft) or facts (for memorise); default chats",
      },
      "top-k": { value: "N", help: "passages of a chat's prompt, default 2" },
      paraphrases: { value: "N", help: "other wordings of a fact's question, default 2" },
      out: { required: true, value: "FILE", help: "JSON Lines" },
    },
    details:
      "Answers are kept in FILE.rows.jsonl until all are there: an interrupted call goes on where it was, failed questions " +
      "are asked again. Chats are written as LlamaIndex's fine-tuning handler writes them.",
  },
  async run({ positionals, options }) {
    const out = resolve(options["out"]!);
    const kind = kindOf(options);
    const { dataset } = await loadDataset(resolve(positionals[0]!));
    const ask = teacherOf(options);
    const { rows, failed } = await answered(dataset, ask, options, kind, `${out}.rows.jsonl`);
    if (rows.length === 0)
      throw new RetuneError(
        "network",
        `the teacher answered none of ${dataset.queries.length} questions: ${failed[0]}`,
      );
    const text = kind === "chats" ? await handlerLines(rows) : factLines(await factsOf(rows, ask, options));
    await writeWhole(out, text);
    process.stdout.write(`${out}\n${rows.length} of ${dataset.queries.length} questions answered\n`);
    if (failed.length > 0)
      throw new RetuneError(
        "network",
        `${failed.length} questions failed; call again to retry them: ${failed[0]!}`,
      );
  },
};

type Kind = "chats" | "facts";

function kindOf({ as = "chats" }: Options): Kind {
  if (as === "chats" || as === "facts") return as;
  throw new RetuneError("usage", `--as must be chats or facts, got "${as}"`);
}

type Ask = (prompt: string, signal?: AbortSignal) => Promise<string>;

function teacherOf(options: Options): Ask {
  const key = process.env["RETUNE_API_KEY"];
  return endpointChat({
    ...{ baseUrl: options["endpoint"]!, model: options["endpoint-model"]!, fetch },
    ...(key ? { key: new Secret(key) } : {}),
  });
}

/** A chat is asked over what a search brings, a fact over the passage that its question is from. */
async function answered(
  { queries, passages }: Dataset,
  ask: Ask,
  options: Options,
  kind: Kind,
  rowFile: string,
): Promise<{ readonly rows: readonly TaughtRow[]; readonly failed: readonly string[] }> {
  const byId = new Map(passages.map((passage) => [passage.id, passage]));
  const own = new Map(queries.map(({ text, relevant }) => [text, byId.get(relevant[0]!.passage)!]));
  const retriever = lexicalRetriever(passages.map(({ text }) => text));
  const topK = wholeNumber(options, "top-k", 2);
  const teaching = {
    identity: JSON.stringify([options["endpoint"], options["endpoint-model"]]),
    retrieve: async (question: string): Promise<readonly string[]> => {
      if (kind === "facts") return [own.get(question)!.text];
      return (await retriever.retrieve([question], topK))[0]!.map(({ text }) => text);
    },
    answer: ({ messages }: TaughtRow["prompt"], signal?: AbortSignal) => ask(messages[0]!.content!, signal),
  };
  const asked = queries.map(({ id, text }): TaughtQuestion => {
    const document = own.get(text)!.document;
    return { id, text, ...(document === undefined ? {} : { document }) };
  });
  const done = await readRows(rowFile);
  const [rows, failed] = [[...done], [] as string[]];
  const line = new ProgressLine("asking the teacher");
  for await (const event of taughtRows(asked, teaching, { done, onProgress: line.show })) {
    if (event.kind === "failed") failed.push(event.error.message);
    else {
      rows.push(event.row);
      await appendFile(rowFile, `${JSON.stringify(event.row)}\n`);
    }
  }
  line.finish(`${rows.length} answers`);
  if (failed.length === 0) await rm(rowFile, { force: true });
  return { rows: inOrder(rows, asked), failed };
}

/** Answers come as they are made; files have them in the order of the questions. */
function inOrder(rows: readonly TaughtRow[], asked: readonly TaughtQuestion[]): readonly TaughtRow[] {
  const place = new Map(asked.map(({ id }, at) => [id, at]));
  return rows
    .filter(({ question }) => place.has(question))
    .sort((one, other) => place.get(one.question)! - place.get(other.question)!);
}

async function factsOf(rows: readonly TaughtRow[], ask: Ask, options: Options): Promise<readonly MadeFact[]> {
  const paraphrases = wholeNumber(options, "paraphrases", 2, 0);
  const facts: MadeFact[] = [];
  const line = new ProgressLine("wording questions anew");
  for (const [at, row] of rows.entries()) {
    const fact = await madeFact(row, ask, { paraphrases });
    if (fact) facts.push(fact);
    line.show({ done: at + 1, total: rows.length });
  }
  line.finish(`${facts.length} facts, ${rows.length - facts.length} dropped by a second look`);
  if (facts.length > 0) return facts;
  throw new RetuneError("too-little-data", `the second look dropped all ${rows.length} facts`);
}

async function readRows(file: string): Promise<TaughtRow[]> {
  if (!(await exists(file))) return [];
  return (await readText(file)).split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as TaughtRow];
    } catch {
      return []; // cut off by a kill
    }
  });
}

function wholeNumber(options: Options, name: string, fallback: number, least = 1): number {
  const text = options[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= 100) return value;
  throw new RetuneError("usage", `--${name} must be a whole number from ${least} to 100, got "${text}"`);
}
