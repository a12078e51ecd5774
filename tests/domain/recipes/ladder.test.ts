import { expect, test } from "vitest";
import {
  climb,
  climbed,
  RUNGS,
  rungGain,
  type RungName,
  type RungRunner,
  type RungScores,
} from "../../../src/domain/recipes/ladder.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { expectClose } from "../../close.ts";

const QUESTIONS = 200;
const groups = Array.from({ length: QUESTIONS }, (_, index) => `d${index % 50}`);

/** Scores whose mean is near `level`, with noise of their own on top of what all rungs share. */
function scores(level: number, seed: number, noise = 0.05): RungScores {
  const shared = new CounterRandom(1);
  const own = new CounterRandom(seed);
  return {
    groups,
    reciprocalRanks: groups.map(() => level + 0.3 * shared.uniform() + noise * (own.uniform() - 0.5)),
  };
}

const tried = (rungs: Partial<Record<RungName, RungScores>>): ReadonlyMap<RungName, RungScores> =>
  new Map(Object.entries(rungs) as [RungName, RungScores][]);

test("a gain is paired by document: the standard error is that of the differences, not of the figures", () => {
  const before = { reciprocalRanks: [1, 0.5, 0.2, 0.1], groups: ["a", "b", "c", "d"] };
  const after = { reciprocalRanks: [1, 0.6, 0.4, 0.2], groups: before.groups };
  const { value, standardError, better } = rungGain(after, before);
  const differences = [0, 0.1, 0.2, 0.1];
  const spread = differences.reduce((sum, each) => sum + (each - 0.1) ** 2, 0);
  expectClose([value], [0.1], { absolute: 1e-12 });
  expect(standardError).toBeGreaterThan(Math.sqrt(spread / 4 / 4) * 0.99);
  expect(standardError).toBeLessThan(Math.sqrt(spread / 3 / 4) * 1.01);
  expect(better).toBe(true);
});

test("questions of one document count as one witness", () => {
  const reciprocalRanks = Array.from({ length: 40 }, (_, index) => (index < 20 ? 0.5 : 0.2));
  const before = { reciprocalRanks, groups: reciprocalRanks.map((_, index) => (index < 20 ? "a" : "b")) };
  const after = {
    ...before,
    reciprocalRanks: reciprocalRanks.map((rank, index) => rank + (index < 20 ? 0.2 : -0.1)),
  };
  expect(rungGain(after, before).better).toBe(false);
  const apart = groups.slice(0, 40).map((_, index) => `own ${index}`);
  expect(rungGain({ ...after, groups: apart }, { ...before, groups: apart }).better).toBe(true);
});

test("all questions of one document say nothing about others", () => {
  const one = { reciprocalRanks: [0.1, 0.1], groups: ["a", "a"] };
  expect(rungGain({ ...one, reciprocalRanks: [0.9, 0.9] }, one).better).toBe(false);
});

test("free rungs are always tried, whether the one before paid or not", () => {
  const base = scores(0.3, 2);
  expect(climbed(base, new Map()).next).toBe("instruction");
  const worse = climbed(base, tried({ instruction: scores(0.25, 3) }));
  expect(worse).toMatchObject({ present: "base", next: "fusion" });
  const both = climbed(base, tried({ instruction: scores(0.25, 3), fusion: scores(0.25, 4) }));
  expect(both.next).toBe("adapter");
});

test("each rung is measured against the best so far, not against the base", () => {
  const { judged, present } = climbed(
    scores(0.3, 2),
    tried({ instruction: scores(0.4, 3), fusion: scores(0.35, 4), adapter: scores(0.45, 5) }),
  );
  expect(judged.map(({ name, over, gain }) => [name, over, gain.better])).toEqual([
    ["instruction", "base", true],
    ["fusion", "instruction", false],
    ["adapter", "instruction", true],
  ]);
  expect(present).toBe("adapter");
});

test("a trained rung that does not pay ends the climb", () => {
  const standing = climbed(scores(0.3, 2), tried({ adapter: scores(0.3, 5) }));
  expect(standing).toMatchObject({ present: "base", next: null });
});

test("a rung that cannot be tried here is passed over", () => {
  const standing = climbed(scores(0.3, 2), new Map(), (name) => name !== "instruction" && name !== "fusion");
  expect(standing.next).toBe("adapter");
});

function runner(levels: Readonly<Record<RungName, number>>): RungRunner & { readonly log: string[] } {
  const log: string[] = [];
  return {
    log,
    possible: () => true,
    base: () => Promise.resolve(scores(0.3, 2)),
    attempt: (name, present) => {
      log.push(`${name} over ${present}`);
      return Promise.resolve(scores(levels[name], 10 + RUNGS.indexOf(name)));
    },
  };
}

async function toTop(own: RungRunner) {
  const stream = climb(own);
  for (;;) {
    const next = await stream.next();
    if (next.done) return next.value;
  }
}

test("the climb goes on as long as it pays and tells every attempt what it stands on", async () => {
  const own = runner({
    instruction: 0.32,
    fusion: 0.4,
    adapter: 0.45,
    "re-ranker": 0.5,
    lora: 0.49,
    full: 0.9,
  });
  const { present, judged } = await toTop(own);
  expect(present).toBe("re-ranker");
  expect(judged).toHaveLength(5);
  expect(own.log).toEqual([
    "instruction over base",
    "fusion over instruction",
    "adapter over fusion",
    "re-ranker over adapter",
    "lora over re-ranker",
  ]);
});

test("where everything pays it ends at the top", async () => {
  const own = runner({
    instruction: 0.35,
    fusion: 0.4,
    adapter: 0.45,
    "re-ranker": 0.5,
    lora: 0.55,
    full: 0.6,
  });
  expect(await toTop(own)).toMatchObject({ present: "full", next: null });
});
