// Rows for distillation, made here: questions of a search project or of a file, the passages that BM25 finds for each, and what a
// teacher answers from them. Every answer is stored the moment it comes; whatever ends the asking, the rows become those there are.
import type { Passage } from "../../domain/data/dataset.ts";
import { readAskedQuestions, type AskedQuestion } from "../../domain/lab/distil/asked-questions.ts";
import {
  handlerLines,
  taughtRows,
  type TaughtQuestion,
  type Teaching,
} from "../../domain/lab/distil/teach.ts";
import { lexicalRetriever } from "../../domain/lab/passage-retriever.ts";
import { rowBytes } from "../../domain/lab/row-bytes.ts";
import { evenly } from "../../domain/lab/split-rows.ts";
import type { RunControl } from "../../domain/ports.ts";
import { endpointChat, type Fetch } from "../../domain/synth/endpoint.ts";
import { Secret } from "../../domain/synth/secret.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { SentFile } from "../protocol/sent-files.ts";
import type { LabAnswerRecord, LabFileRecord } from "../storage/lab-records.ts";
import type { LabStore } from "../storage/lab-store.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { LabTeaching } from "../studio-lab.ts";
import { merged, projectData } from "./project-data.ts";

export interface SentTeaching extends Omit<LabTeaching, "source"> {
  readonly source:
    | Extract<LabTeaching["source"], { readonly kind: "project" }>
    | { readonly kind: "file"; readonly file: SentFile };
}

export interface LabTaught {
  readonly asked: number; // questions
  readonly answered: number; // now or earlier
  readonly requests: number; // that left this machine, tries included
  readonly sentBytes: number;
  readonly origin: string; // where they went
  readonly failure: string | null; // the first question's that stayed without an answer
}

export interface TeachingGround {
  readonly workspace: Workspace;
  readonly labId: string;
  readonly fetch: Fetch;
  /** Reads a file's rows and stores it. */
  readonly keep: (file: LabFileRecord) => Promise<unknown>;
}

const MADE_HERE = "made-here.jsonl";

/** Rejects as taughtRows does, once what was answered stands in the rows; "usage" where answers cannot be added to them. */
export async function distilRows(
  ground: TeachingGround,
  teaching: SentTeaching,
  control: RunControl,
): Promise<LabTaught> {
  const { lab: store } = ground.workspace;
  await linesToLearn(store, ground.labId); // refuses before anything is sent
  const { questions, retrieve } = await questionsOf(ground.workspace, teaching);
  const sent = { requests: 0, bytes: 0 };
  const teacher = JSON.stringify([teaching.teacher.url, teaching.teacher.model]);
  const answer = answering(teaching, ground.fetch, sent);
  const known = await store.answers(ground.labId);
  const ids = new Set(questions.map(({ id }) => id));
  const done = known.filter(({ question }) => ids.has(question));
  let [stopped, failure] = [undefined as Error | undefined, null as string | null];
  try {
    for await (const event of taughtRows(
      questions,
      { identity: teacher, retrieve, answer },
      { ...control, done },
    )) {
      if (event.kind === "failed") failure ??= event.error.message;
      else await store.saveAnswer({ ...event.row, labId: ground.labId, teacher });
    }
  } catch (error) {
    stopped = error instanceof Error ? error : new Error(String(error));
  }
  const answered = await writeRows(ground, questions, teacher);
  if (stopped !== undefined) throw stopped;
  const { origin } = new URL(teaching.teacher.url);
  return {
    asked: questions.length,
    answered,
    requests: sent.requests,
    sentBytes: sent.bytes,
    origin,
    failure,
  };
}

function answering(
  { teacher: { url, model, key } }: SentTeaching,
  fetch: Fetch,
  sent: { requests: number; bytes: number },
): Teaching["answer"] {
  const counted: Fetch = (address, init) => {
    sent.requests++;
    sent.bytes += typeof init.body === "string" ? new TextEncoder().encode(init.body).length : 0;
    return fetch(address, init);
  };
  const ask = endpointChat({
    ...{ baseUrl: url, model, fetch: counted },
    ...(key === undefined ? {} : { key: new Secret(key) }),
  });
  return ({ messages }, signal) => ask(messages[0]!.content!, signal);
}

interface Questions {
  readonly questions: readonly TaughtQuestion[];
  readonly retrieve: Teaching["retrieve"];
}

async function questionsOf(
  workspace: Workspace,
  { source, topK, questions }: SentTeaching,
): Promise<Questions> {
  if (source.kind === "file") return ofFile(source.file, topK, questions);
  const { projectId } = source;
  const { split } = await workspace.projects.get(projectId);
  const { train, test } = projectData(await workspace.projects.contents(projectId), split);
  const { queries, passages } = merged([train, test]);
  if (queries.length === 0) {
    const text = "This search project has no questions yet. Write or import some under its Data first.";
    throw new RetuneError("too-little-data", text);
  }
  const texts = [...new Set(passages.map(({ text }) => text))];
  const retriever = lexicalRetriever(texts);
  const byId = new Map<string, Passage>(passages.map((passage) => [passage.id, passage]));
  const asked = evenly(
    onceEach(queries, ({ text }) => text),
    questions,
  ).map(({ text, relevant }) => {
    const document = byId.get(relevant[0]?.passage ?? "")?.document;
    return { id: text, text, ...(document === undefined ? {} : { document }) };
  });
  const retrieve = async (question: string): Promise<readonly string[]> =>
    (await retriever.retrieve([question], topK))[0]!.map(({ text }) => text);
  return { questions: asked, retrieve };
}

async function ofFile({ name, blob }: SentFile, topK: number, count: number): Promise<Questions> {
  const bytes = await rowBytes(name, new Uint8Array(await blob.arrayBuffer()));
  const idOf = ({ question, passages }: AskedQuestion): string => JSON.stringify([question, ...passages]);
  const asked = evenly(onceEach(readAskedQuestions(name, bytes).examples, idOf), count);
  const own = new Map(asked.map((each) => [idOf(each), each.passages.slice(0, topK)]));
  const questions = asked.map((each) => {
    const { question, document } = each;
    return { id: idOf(each), text: question, ...(document === undefined ? {} : { document }) };
  });
  return { questions, retrieve: (_question, _signal, id = "") => Promise.resolve(own.get(id) ?? []) };
}

/** What stands twice is asked once; the same question of two projects is one question. */
function onceEach<Row>(rows: readonly Row[], idOf: (row: Row) => string): readonly Row[] {
  return [...new Map([...rows].reverse().map((row) => [idOf(row), row])).values()].reverse();
}

/**
 * Adds the teacher's answers to the rows to learn, in the order of the questions; what another teacher answered to the same ones
 * goes. Answers how many questions have an answer.
 */
async function writeRows(
  { workspace: { lab: store }, labId, keep }: TeachingGround,
  questions: readonly TaughtQuestion[],
  teacher: string,
): Promise<number> {
  const place = new Map(questions.map(({ id }, at) => [id, at]));
  const known = (await store.answers(labId)).filter(({ question }) => place.has(question));
  const current = new Map(known.filter((row) => row.teacher === teacher).map((row) => [row.question, row]));
  if (current.size === 0) return 0;
  const rows = [...current.values()].sort((a, b) => place.get(a.question)! - place.get(b.question)!);
  const answered = known.filter(({ question }) => current.has(question));
  const replaced = new Set(await linesOf(answered));
  const { file, lines } = await linesToLearn(store, labId);
  const all = [...lines.filter((line) => !replaced.has(line)), ...(await linesOf(rows))];
  const bytes = new TextEncoder().encode(all.join("\n"));
  const { name, skipBadRows } = file ?? { name: MADE_HERE, skipBadRows: false };
  await keep({ labId, side: "train", name, bytes, skipBadRows });
  return rows.length;
}

/** The lines of the handler, each with the document that its question is of: what shares one is never on both sides. */
async function linesOf(rows: readonly LabAnswerRecord[]): Promise<readonly string[]> {
  const lines = rows.length === 0 ? [] : new TextDecoder().decode(await handlerLines(rows)).split("\n");
  return lines.map((line, index) => {
    const { document } = rows[index]!;
    return document === undefined ? line : `${line.slice(0, -1)}, "document": ${JSON.stringify(document)}}`;
  });
}

interface LearntLines {
  readonly file: LabFileRecord | undefined;
  readonly lines: readonly string[];
}

async function linesToLearn(store: LabStore, labId: string): Promise<LearntLines> {
  const { system } = await store.get(labId);
  if (system !== "sft")
    throw new RetuneError("usage", "Only a distillation project learns a teacher's answers.");
  const file = await store.file(labId, "train");
  if (!file) return { file, lines: [] };
  const lines = new TextDecoder()
    .decode(file.bytes)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
  if (lines.every((line) => line.trimStart().startsWith("{"))) return { file, lines };
  const text = `${file.name} is no JSON Lines file, so nothing can be added to it. Remove it, then ask the teacher.`;
  throw new RetuneError("usage", text, { file: file.name });
}
