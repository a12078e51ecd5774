import { CounterRandom } from "../../../../src/domain/random.ts";
import { RetuneError } from "../../../../src/engine/errors.ts";
import { SqlBench } from "../../../../src/domain/lab/sql/execution.ts";
import { openSqlite } from "../../../../src/domain/lab/sql/sqlite.ts";
import { drawnSchemas } from "./sql-questions.ts";

export interface PairCount {
  readonly pairs: number; // of a gold query and another of its schema
  readonly accepted: readonly (readonly [gold: string, wrong: string])[]; // though they mean something else
  readonly equivalent: number; // accepted, and not told apart by 40 databases of their own: they mean the same
  readonly refusedGold: readonly string[]; // gold queries that do not accept themselves
  readonly unjudged: number; // gold queries for which no rows are found
}

/** Random other gold queries on the same schema, put in the place of answers. */
export async function wrongPairs(wanted: number, seed: number): Promise<PairCount> {
  const sqlite = await openSqlite();
  const random = new CounterRandom(seed);
  const [accepted, refusedGold]: [[string, string][], string[]] = [[], []];
  let [pairs, equivalent, unjudged] = [0, 0, 0];
  for (const { context, queries } of drawnSchemas(seed, Math.ceil(wanted / 20), 12)) {
    for (const gold of queries) {
      if (pairs >= wanted) break;
      const bench = benchOf(() => new SqlBench(sqlite, context, gold));
      if (bench === undefined) {
        unjudged++;
        continue;
      }
      if (!bench.judge(gold).accepted) refusedGold.push(gold);
      for (const place of random.permutation(queries.length).slice(0, 2)) {
        const wrong = queries[place]!;
        if (wrong === gold || pairs >= wanted) continue;
        pairs++;
        if (!bench.judge(wrong).accepted) continue;
        if (differ(context, gold, wrong)) accepted.push([gold, wrong]);
        else equivalent++;
      }
      bench.close();
    }
  }
  return { pairs, accepted, equivalent, refusedGold, unjudged };

  /** Whether two queries differ on any of 40 databases, 20 invented for each of them. */
  function differ(context: string, first: string, second: string): boolean {
    return [
      [first, second],
      [second, first],
    ].some(([gold, other]) => {
      const bench = benchOf(() => new SqlBench(sqlite, context, gold!, 77, 20));
      const isOther = bench !== undefined && !bench.judge(other!).accepted;
      bench?.close();
      return isOther;
    });
  }
}

function benchOf(open: () => SqlBench): SqlBench | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof RetuneError && error.code === "E_EMPTY") return undefined;
    throw error;
  }
}
