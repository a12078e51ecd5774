import * as v from "valibot";
import type { Dataset } from "../../src/domain/data/dataset.ts";
import type { EncoderData } from "../../src/domain/recipes/encoder/encoder-job.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { readText } from "../ports/files.ts";

const row = v.union([
  v.string(),
  v.strictObject({ passage: v.string(), score: v.pipe(v.number(), v.finite()) }),
]);
const schema = v.record(v.string(), v.array(row));

/**
 * Negatives and a re-ranker's scores of a training file: {question id: [passage id | {"passage", "score"}]}. A passage that
 * answers the question gives only its score. Throws "usage" for another form, E_REFERENCE for an unknown id.
 */
export async function readNegatives(
  file: string,
  { queries, passages }: Dataset,
): Promise<Pick<EncoderData, "negatives" | "teacher">> {
  const parsed = v.safeParse(schema, parse(file, await readText(file, "negatives")));
  if (!parsed.success) {
    const text = `${file} (field "negatives") must be {"question id": ["passage id" or {"passage", "score"}, …], …}`;
    throw new RetuneError("usage", text, { file });
  }
  const known = new Set(passages.map(({ id }) => id));
  const right = new Map(
    queries.map(({ id, relevant }) => [
      id,
      new Set(relevant.filter(({ grade }) => grade > 0).map(({ passage }) => passage)),
    ]),
  );
  const negatives: Record<string, string[]> = {};
  const teacher: Record<string, Record<string, number>> = {};
  for (const [query, rows] of Object.entries(parsed.output)) {
    const positives = right.get(query);
    if (!positives) throw unknownId(file, `question ${query}`);
    for (const given of rows) {
      const passage = typeof given === "string" ? given : given.passage;
      if (!known.has(passage)) throw unknownId(file, `passage ${passage} of question ${query}`);
      if (!positives.has(passage)) (negatives[query] ??= []).push(passage);
      if (typeof given !== "string") (teacher[query] ??= {})[passage] = given.score;
    }
  }
  return { negatives, ...(Object.keys(teacher).length > 0 ? { teacher } : {}) };
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RetuneError("usage", `${file} (field "negatives") is no JSON: ${String(error)}`, { file });
  }
}

function unknownId(file: string, what: string): RetuneError {
  return new RetuneError("E_REFERENCE", `${file}: ${what} is not in the training file`, { file });
}
