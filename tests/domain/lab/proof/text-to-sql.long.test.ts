// Text-to-SQL on the bundled decoder at full length: schemas that training never had, the base's old skill with and without replay,
// and bases in 8 and 4 bits. Figures are printed: npm run test:long -- proof/text-to-sql
import { beforeAll, describe, expect, test } from "vitest";
import { Draw } from "../../../../scripts/nano-decoder/draw.ts";
import { sqlRow } from "../../../../scripts/nano-decoder/sql-rows.ts";
import { HELD_OUT_TABLES } from "../../../../scripts/nano-decoder/words.ts";
import type { LabComparison } from "../../../../src/domain/lab/compare.ts";
import { textToSql } from "../../../../src/domain/lab/sql/text-to-sql.ts";
import type { DecoderModel } from "../../../../src/domain/models/decoder-model.ts";
import type { FrozenKind } from "../../../../src/domain/models/llama/frozen.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { openTestCpu } from "../../recipes/open-backend.ts";
import { compared, figure, learnt, nanoDecoder, sample, told } from "./nano.ts";

const task = textToSql();
const STEPS = 600;

/** Simple questions over schemas that no training has: what the base could do before. */
function oldSkill(): ReturnType<typeof sample<ReturnType<typeof task.read>["examples"][number]>> {
  const draw = new Draw(11, 1);
  const rows = Array.from({ length: 100 }, () => JSON.stringify(sqlRow(draw, HELD_OUT_TABLES, "simple")));
  return task.read("simple.jsonl", new TextEncoder().encode(rows.join("\n")), { skipBadRows: true }).examples;
}

let [cpu, base]: [Backend, DecoderModel] = [undefined!, undefined!];
beforeAll(async () => {
  cpu = await openTestCpu();
  base = await nanoDecoder();
});

interface Proof {
  readonly further: LabComparison; // what was taught
  readonly simple: LabComparison; // what it could do before
}

async function proof(seed: number, frozen: FrozenKind, replayed: boolean): Promise<Proof> {
  const own = { steps: STEPS, seed, frozen };
  const replay = replayed ? { replay: sample(task, "replay") } : {};
  const found = await learnt(cpu, base, task, { train: sample(task, "train"), ...replay, settings: own });
  const settings = { maxNewTokens: 48, frozen };
  const further = await compared(cpu, base, found, task, sample(task, "test"), settings);
  const simple = await compared(cpu, base, found, task, oldSkill(), settings);
  const what = `${frozen}, seed ${seed}, ${replayed ? "with" : "without"} replay`;
  told(further, what);
  told(simple, `${what}, old skill`);
  return { further, simple };
}

const accuracy = (comparison: LabComparison): number => figure(comparison, "executionAccuracy").tuned;

describe("text-to-SQL on schemas that training never had", () => {
  const found = new Map<FrozenKind, number[]>();

  test.each([0, 1, 2])("is learnt, and replay keeps the old skill (seed %i)", async (seed) => {
    const { further, simple } = await proof(seed, "f32", true);
    found.set("f32", [...(found.get("f32") ?? []), accuracy(further)]);
    expect(figure(further, "executionAccuracy").base).toBeLessThanOrEqual(0.05);
    expect(accuracy(further)).toBeGreaterThanOrEqual(0.6);
    expect(figure(simple, "executionAccuracy").base).toBeGreaterThanOrEqual(0.9);
    expect(accuracy(simple)).toBeGreaterThanOrEqual(0.9);
  });

  test("forgets the old skill without replay", async () => {
    const { simple } = await proof(0, "f32", false);
    expect(accuracy(simple)).toBeLessThanOrEqual(0.5);
  });

  test.each(["q8", "q4"] as const)("is learnt over a base in %s about as well", async (frozen) => {
    const own: number[] = [];
    for (const seed of [0, 1, 2]) own.push(accuracy((await proof(seed, frozen, true)).further));
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const whole = found.get("f32") ?? [];
    expect(whole).toHaveLength(3);
    expect(mean(own)).toBeGreaterThanOrEqual(mean(whole) - 0.1);
  });
});
