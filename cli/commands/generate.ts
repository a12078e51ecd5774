import { appendFile, rm } from "node:fs/promises";
import { dirname, relative, resolve, sep } from "node:path";
import { writeLlamaIndexDataset } from "../../src/domain/formats/llamaindex-dataset.ts";
import { endpointGenerator, type TeacherGenerator } from "../../src/domain/synth/endpoint.ts";
import {
  assembleDataset,
  generateQuestions,
  type GenerationPassage,
  type GenerationRow,
} from "../../src/domain/synth/generate.ts";
import { ruleGenerator } from "../../src/domain/synth/rule-generator.ts";
import { Secret } from "../../src/domain/synth/secret.ts";
import { CHUNK_DEFAULTS, passagesOf } from "../../src/domain/text/chunk.ts";
import { readDocument } from "../../src/domain/text/documents.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { Arguments } from "../arguments.ts";
import type { Command } from "../command.ts";
import { exists, readBytes, readText, writeWhole } from "../ports/files.ts";
import { ProgressLine } from "../ports/progress.ts";

/** `retune generate`: questions for documents, by rules or by an endpoint the person names. */
export const generateCommand: Command = {
  shape: {
    usage: "generate FILE… --out DATA.json",
    summary: "make a dataset of questions from documents",
    positionals: {
      name: "at least one document: .pdf, .docx, .md, .txt, .html or source code",
      atLeast: 1,
      atMost: Infinity,
    },
    options: {
      "per-passage": { value: "N", help: "questions a passage, default 2" },
      "max-tokens": { value: "N", help: `longest passage, default ${CHUNK_DEFAULTS.maxTokens}` },
      endpoint: {
        value: "URL",
        help: "an OpenAI-compatible address, http://localhost:11434/v1; default: rules",
      },
      "endpoint-model": { value: "NAME", help: "the model there; a key is read from RETUNE_API_KEY" },
      prompt: {
        value: "FILE",
        help: "the endpoint's prompt, with {context_str} and {num_questions_per_chunk}; default: ours",
      },
      out: { required: true, value: "FILE", help: "the dataset (LlamaIndex JSON)" },
    },
    details:
      "Rows are kept in FILE.rows.jsonl until all are made: an interrupted call goes on where it was, failed passages " +
      "are tried again.",
  },
  async run({ positionals, options }) {
    const out = resolve(options["out"]!);
    const count = wholeNumber(options, "per-passage", 2);
    const maxTokens = wholeNumber(options, "max-tokens", CHUNK_DEFAULTS.maxTokens);
    const passages = await readPassages(positionals, maxTokens);
    const generator = await generatorOf(options, passages);
    const { rows, failed } = await askAll(passages, generator, count, `${out}.rows.jsonl`);
    const dataset = await assembleDataset(passages, generator, rows, count);
    if (dataset.queries.length === 0) {
      const reason = failed[0] === undefined ? "the texts are too short" : failed[0];
      throw new RetuneError(
        "too-little-data",
        `no question was made for ${passages.length} passages: ${reason}`,
      );
    }
    await writeWhole(out, writeLlamaIndexDataset(dataset, { documents: true }));
    process.stdout.write(
      `${out}\n${dataset.queries.length} questions, ${dataset.passages.length} passages\n`,
    );
    if (failed.length > 0) {
      const next = `call again to retry them: ${failed[0]!}`;
      throw new RetuneError("network", `${failed.length} of ${passages.length} passages failed; ${next}`);
    }
  },
};

async function readPassages(
  files: readonly string[],
  maxTokens: number,
): Promise<readonly GenerationPassage[]> {
  const passages: GenerationPassage[] = [];
  for (const [file, name] of documentNames(files.map((each) => resolve(each)))) {
    const document = await readDocument(name, await readBytes(file));
    passages.push(...(await passagesOf(document, { maxTokens })));
  }
  return passages;
}

/** A name for every file: its path below the folder that all of them share, so that no two are one document. */
function documentNames(files: readonly string[]): ReadonlyMap<string, string> {
  let shared = dirname(files[0]!);
  const inside = (file: string): boolean => !/^\.\.([\\/]|$)/.test(relative(shared, file));
  while (!files.every(inside) && dirname(shared) !== shared) shared = dirname(shared);
  return new Map(files.map((file) => [file, relative(shared, file).replaceAll(sep, "/")]));
}

async function generatorOf(
  options: Arguments["options"],
  passages: readonly GenerationPassage[],
): Promise<TeacherGenerator> {
  const { endpoint, "endpoint-model": model } = options;
  if ((endpoint === undefined) !== (model === undefined)) {
    throw new RetuneError("usage", "--endpoint URL and --endpoint-model NAME go together");
  }
  if (endpoint === undefined || model === undefined) {
    if (options["prompt"] !== undefined) {
      throw new RetuneError("usage", "--prompt is for an endpoint; rules need none");
    }
    return ruleGenerator(passages.map(({ text }) => text));
  }
  const key = process.env["RETUNE_API_KEY"];
  const template =
    options["prompt"] === undefined ? {} : { template: await readText(resolve(options["prompt"])) };
  return endpointGenerator({
    ...{ baseUrl: endpoint, model, fetch, ...template },
    ...(key ? { key: new Secret(key) } : {}),
  });
}

interface Answers {
  readonly rows: readonly GenerationRow[];
  readonly failed: readonly string[]; // messages
}

/** Asks for every passage that the row file does not cover; the file goes once nothing is missing. */
async function askAll(
  passages: readonly GenerationPassage[],
  generator: TeacherGenerator,
  count: number,
  rowFile: string,
): Promise<Answers> {
  const rows = await readRows(rowFile);
  const failed: string[] = [];
  const line = new ProgressLine("asking about passages");
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once("SIGINT", interrupt);
  try {
    const options = { count, done: [...rows], signal: stop.signal, onProgress: line.show };
    for await (const event of generateQuestions(passages, generator, options)) {
      if (event.kind === "failed") failed.push(event.error.message);
      else {
        rows.push(event.row);
        await appendFile(rowFile, `${JSON.stringify(event.row)}\n`);
      }
    }
  } finally {
    process.removeListener("SIGINT", interrupt);
  }
  line.finish(`${passages.length - failed.length} of ${passages.length}`);
  if (failed.length === 0) await rm(rowFile, { force: true });
  return { rows, failed };
}

/** Rows of an earlier call; a line cut off by a kill is passed over. */
async function readRows(file: string): Promise<GenerationRow[]> {
  if (!(await exists(file))) return [];
  return (await readText(file)).split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as GenerationRow];
    } catch {
      return [];
    }
  });
}

function wholeNumber(options: Arguments["options"], name: string, fallback: number): number {
  const text = options[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value;
  throw new RetuneError("usage", `--${name} must be a whole number from 1 to 10000, got "${text}"`);
}
