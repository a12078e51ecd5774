import type { Dataset } from "../../domain/data/dataset.ts";
import type { JudgedVectors } from "../../domain/eval/evaluate.ts";
import type { Matrix } from "../../domain/matrix.ts";
import type { Encoder, Progress, RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import { embedThroughCache } from "../encoders/cached-encoder.ts";
import { spaceOf } from "../encoders/known-encoders.ts";
import type { EncoderFacts } from "../encoders/known-encoders.ts";
import type { VectorCache } from "../storage/vector-cache.ts";

/** Texts that are embedded after one instruction. */
export interface TextGroup {
  readonly instruction: string;
  readonly texts: readonly string[];
}

/** What the vectors of a dataset are made of: passages and questions as they are, questions after the instruction. */
export function textGroups(datasets: readonly Dataset[], instruction: string): readonly TextGroup[] {
  const plain = datasets.flatMap(({ passages, queries }) => [...passages, ...queries].map((row) => row.text));
  const queries = datasets.flatMap((dataset) => dataset.queries.map((row) => row.text));
  const groups = [{ instruction: "", texts: [...new Set(plain)] }];
  if (instruction !== "") groups.push({ instruction, texts: [...new Set(queries)] });
  return groups;
}

/** How many of the groups' texts are cached, and how many there are. */
export async function countVectors(
  cache: VectorCache,
  encoder: EncoderFacts,
  groups: readonly TextGroup[],
): Promise<{ cached: number; needed: number }> {
  let [cached, needed] = [0, 0];
  for (const { instruction, texts } of groups) {
    cached += await cache.count(spaceOf(encoder, instruction), texts);
    needed += texts.length;
  }
  return { cached, needed };
}

/** Embeds what the cache lacks; answers how many texts that were. The encoder is opened only if there are any. */
export async function embedMissing(
  cache: VectorCache,
  encoder: EncoderFacts,
  groups: readonly TextGroup[],
  open: () => Promise<Encoder>,
  control: RunControl = {},
): Promise<number> {
  let embedded = 0;
  const { cached, needed } = await countVectors(cache, encoder, groups);
  let before = 0;
  for (const { instruction, texts } of groups) {
    const space = spaceOf(encoder, instruction);
    const missing = texts.length - (await cache.count(space, texts));
    const report = inPart(control, before, missing, needed - cached);
    const result = await embedThroughCache(cache, space, encoder.dimension, texts, open, report);
    embedded += result.embedded;
    before += missing;
  }
  return embedded;
}

function inPart({ signal, onProgress }: RunControl, before: number, own: number, total: number): RunControl {
  const scaled = ({ done, total: whole, label }: Progress): void =>
    onProgress?.({ done: before + (own * done) / whole, total, ...(label ? { label } : {}) });
  return { ...(signal ? { signal } : {}), onProgress: scaled };
}

/** Vectors of `instruction + text` from the cache alone, [texts, D]; "model-missing" says how many are not there. */
export async function cachedRows(
  cache: VectorCache,
  encoder: EncoderFacts,
  texts: readonly string[],
  instruction: string,
): Promise<Matrix> {
  const values = new Float32Array(texts.length * encoder.dimension);
  const missing = await cache.fill(spaceOf(encoder, instruction), texts, encoder.dimension, values);
  if (missing > 0) {
    const text = `${missing} of ${texts.length} texts have no vectors of ${encoder.name} yet. Embed them first.`;
    throw new RetuneError("model-missing", text);
  }
  return { rows: texts.length, columns: encoder.dimension, values };
}

/** The vectors of a dataset from the cache alone; "model-missing" says how many are not there. */
export async function cachedVectors(
  cache: VectorCache,
  encoder: EncoderFacts,
  dataset: Dataset,
  instruction: string,
): Promise<JudgedVectors> {
  const rows = (texts: readonly string[], prefix: string): Promise<Matrix> =>
    cachedRows(cache, encoder, texts, prefix);
  const queries = dataset.queries.map((query) => query.text);
  const corpus = await rows(
    dataset.passages.map((passage) => passage.text),
    "",
  );
  const plain = { queries: await rows(queries, ""), corpus };
  return instruction === "" ? plain : { ...plain, queriesInstruction: await rows(queries, instruction) };
}
