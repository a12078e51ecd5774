import { describe, expect, test } from "vitest";
import { overlaps, strongest, wordsOf } from "../../../src/domain/data/duplicates.ts";
import { nearPairs } from "../../../src/domain/data/duplicates-vectors.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

/** Texts of words drawn from a small vocabulary; every tenth repeats part of the one before it. */
function plantedTexts(count: number, words: number, seed: number): string[] {
  const random = new CounterRandom(seed);
  const texts: string[] = [];
  for (let index = 0; index < count; index++) {
    const own = Array.from({ length: words }, () => `w${random.below(5000)}`);
    const kept = index % 10 === 1 ? Math.floor(words * (0.35 + 0.5 * random.uniform())) : 0;
    texts.push([...(texts[index - 1]?.split(" ").slice(0, kept) ?? []), ...own.slice(kept)].join(" "));
  }
  return texts;
}

/** The definition, pair by pair. */
function bruteForce(texts: readonly string[], size: number, atLeast: number): string[] {
  const runs = texts.map((text) => {
    const words = wordsOf(text);
    return new Set(
      words
        .slice(0, Math.max(0, words.length - size + 1))
        .map((_, at) => words.slice(at, at + size).join(" ")),
    );
  });
  return runs.flatMap((own, from) =>
    runs.flatMap((there, to) => {
      const share = [...own].filter((run) => there.has(run)).length / Math.max(1, own.size);
      return from !== to && share >= atLeast ? [`${from} ${to} ${share.toFixed(6)}`] : [];
    }),
  );
}

describe("shingle containment", () => {
  test("finds exactly the pairs of the definition", async () => {
    const texts = [...plantedTexts(60, 40, 1), "", "too short"];
    const found = await overlaps(texts, { atLeast: 0.3 });
    const lines = found.map(({ from, to, share }) => `${from} ${to} ${share.toFixed(6)}`).sort();
    expect(lines).toEqual(bruteForce(texts, 5, 0.3).sort());
    expect(lines.length).toBeGreaterThan(8);
  });

  test("is of the one text in the other, not symmetric", async () => {
    const short = "one two three four five six seven";
    const found = await overlaps([short, `${short} ${plantedTexts(1, 60, 4)[0]!}`], { atLeast: 0.3 });
    expect(found).toEqual([{ from: 0, to: 1, share: 1 }]);
    expect(strongest(found).get(0)?.to).toBe(1);
  });

  test("by MinHash and LSH finds nearly all of them, and none besides", async () => {
    const texts = plantedTexts(400, 60, 2);
    const key = ({ from, to }: { from: number; to: number }): string => `${from} ${to}`;
    const exact = new Set((await overlaps(texts, { atLeast: 0.3 })).map(key));
    const hashed = (await overlaps(texts, { atLeast: 0.3, exactBelow: 0 })).map(key);
    expect(exact.size).toBeGreaterThan(60);
    expect(hashed.every((pair) => exact.has(pair))).toBe(true);
    expect(hashed.length / exact.size).toBeGreaterThan(0.9); // 1 − (1 − J²)^64 with J ≥ .18
  });

  test("works on scripts of any kind", async () => {
    const russian = "Сотрудник сообщает о болезни до восьми часов утра своему руководителю по телефону";
    const chinese = "员工必须在每天早上八点之前通过电话向主管报告病假情况";
    const texts = [russian, `${russian} или письмом`, chinese, `${chinese}并提交证明`];
    const found = await overlaps(texts, { atLeast: 0.9 });
    expect(found.map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });
});

describe("near vectors", () => {
  const random = new CounterRandom(9);
  const normal = (): number => random.uniform() + random.uniform() + random.uniform() - 1.5;
  const width = 48;
  const rows = 600;
  const values = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < width; k++) {
      const copied = row % 20 === 1; // of the row before it, with a little noise
      const fresh = 0.8 + normal(); // all rows share a mean, as encoders' vectors do
      values[row * width + k] = copied ? values[(row - 1) * width + k]! + 0.1 * normal() : fresh;
    }
  }
  const vectors = { rows, columns: width, values };

  test("finds planted copies, and by projections almost all of them", async () => {
    const exact = await nearPairs(vectors, { atLeast: 0.97 });
    expect(exact.map(({ first, second }) => [first, second])).toEqual(
      Array.from({ length: 30 }, (_, index) => [index * 20, index * 20 + 1]),
    );
    const projected = await nearPairs(vectors, { atLeast: 0.97, exactRows: 0 });
    const known = new Set(exact.map(({ first, second }) => `${first} ${second}`));
    expect(projected.every(({ first, second }) => known.has(`${first} ${second}`))).toBe(true);
    expect(projected.length).toBeGreaterThanOrEqual(28);
  });

  test("a row of zeros is near nothing", async () => {
    const zeros = { rows: 2, columns: 2, values: new Float32Array(4) };
    expect(await nearPairs(zeros)).toEqual([]);
  });
});
