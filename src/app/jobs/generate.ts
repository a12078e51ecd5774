import { assembleDataset, generateQuestions } from "../../domain/synth/generate.ts";
import type { GenerationOptions, GenerationRow } from "../../domain/synth/generate.ts";
import type { Generator } from "../../domain/ports.ts";
import type { WireError } from "../../engine/errors.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { StoredQuestion } from "../storage/records.ts";

export interface GenerationStore {
  /** Rows of earlier runs of this project, whoever wrote them. */
  rows(): Promise<readonly GenerationRow[]>;
  keep(rows: readonly GenerationRow[]): Promise<void>;
}

export interface GenerationOutcome {
  readonly contents: readonly SourceContent[]; // with the new questions
  readonly made: number;
  readonly failed: readonly { readonly passage: string; readonly error: WireError }[];
}

const KEEP_ROWS = 16; // a killed generation repeats at most so many requests,
const KEEP_PACE = 20; // and more only where writing what is known would take more than a twentieth of the time

/**
 * Writes questions for every passage that has none of its own, through any generator. Rows are kept as they come, so
 * a cancelled, failed or killed generation goes on where it stopped; `contents` hold all that was written so far.
 */
export async function generateForProject(
  contents: readonly SourceContent[],
  generator: Generator,
  perPassage: number,
  store: GenerationStore,
  control: Pick<GenerationOptions, "signal" | "onProgress" | "concurrency"> = {},
): Promise<GenerationOutcome> {
  const wanted = contents.map(passagesWithoutQuestions);
  const rows = new Map((await store.rows()).map((row) => [row.key, row]));
  const failed: GenerationOutcome["failed"][number][] = [];
  const keepNow = paced((known: ReadonlyMap<string, GenerationRow>) => store.keep([...known.values()]));
  let stopped: Error | undefined;
  try {
    const options = { ...control, count: perPassage, done: [...rows.values()] };
    for await (const event of generateQuestions(wanted.flat(), generator, options)) {
      if (event.kind === "failed") failed.push(event);
      else await keepNow(rows.set(event.row.key, event.row));
    }
  } catch (error) {
    stopped = error instanceof Error ? error : new Error(String(error));
  }
  await store.keep([...rows.values()]);
  const [changed, ofPassage] = [[] as SourceContent[], byPassage(rows.values())];
  let made = 0;
  for (const [index, content] of contents.entries()) {
    const passages = wanted[index]!;
    if (passages.length === 0) continue;
    const own = passages.flatMap(({ id }) => ofPassage.get(id) ?? []);
    const { queries } = await assembleDataset(passages, generator, own, perPassage);
    const questions = withNew(content.questions, queries);
    made += questions.length - content.questions.length;
    changed.push({ ...content, questions });
  }
  if (stopped && made === 0) throw stopped;
  return { contents: changed, made, failed };
}

/** Keeps every KEEP_ROWS rows, later where keeping what is known by then takes long. */
function paced<Rows>(keep: (rows: Rows) => Promise<void>): (rows: Rows) => Promise<void> {
  let [unsaved, took, last] = [0, 0, performance.now()];
  return async (rows) => {
    if (++unsaved < KEEP_ROWS || performance.now() - last < KEEP_PACE * took) return;
    const started = performance.now();
    await keep(rows);
    last = performance.now();
    [unsaved, took] = [0, last - started];
  };
}

function byPassage(rows: Iterable<GenerationRow>): ReadonlyMap<string, readonly GenerationRow[]> {
  const groups = new Map<string, GenerationRow[]>();
  for (const row of rows) {
    const known = groups.get(row.passage);
    if (known) known.push(row);
    else groups.set(row.passage, [row]);
  }
  return groups;
}

/** Questions that came with a file, or that a person typed, are answer enough for their passage. */
function passagesWithoutQuestions({ passages, questions }: SourceContent): SourceContent["passages"] {
  const given = questions.filter(({ origin }) => !origin || origin.kind === "imported");
  const answered = new Set(given.flatMap(({ relevant }) => relevant.map((row) => row.passage)));
  return passages.filter((passage) => !answered.has(passage.id));
}

/** What a person reviewed stays as it is. */
function withNew(
  questions: readonly StoredQuestion[],
  written: readonly Omit<StoredQuestion, "state">[],
): readonly StoredQuestion[] {
  const known = new Set(questions.map((question) => question.id));
  const fresh = written.filter((question) => !known.has(question.id));
  return [...questions, ...fresh.map((question) => ({ ...question, state: "accepted" as const }))];
}
