import { expect, test } from "vitest";
import { LossGuard } from "../../../../src/domain/recipes/encoder/guards.ts";

const usual = Array.from({ length: 40 }, (_, step) => 1 + 0.1 * Math.sin(step));

test("a loss or norm that is no number is skipped; three in a row go back", () => {
  const guard = new LossGuard(usual);
  expect(guard.observe(40, NaN, 1).kind).toBe("skipped");
  expect(guard.observe(41, 1, Infinity).kind).toBe("skipped");
  expect(guard.calm).toBe(false);
  expect(guard.observe(42, NaN, NaN)).toEqual({ kind: "back", cause: "not-finite", batches: [40, 41, 42] });
});

test("a good step between them starts the count again", () => {
  const guard = new LossGuard(usual);
  const outcomes = [NaN, NaN, 1, NaN, NaN].map((loss, index) => guard.observe(40 + index, loss, 1).kind);
  expect(outcomes).toEqual(["skipped", "skipped", "ok", "skipped", "skipped"]);
});

test("three losses far above the usual range go back and name their batches", () => {
  const guard = new LossGuard(usual);
  expect(guard.observe(40, 5, 1).kind).toBe("ok");
  expect(guard.observe(41, 6, 1).kind).toBe("ok");
  expect(guard.observe(42, 5, 1)).toEqual({ kind: "back", cause: "spike", batches: [40, 41, 42] });
});

test("one high loss, or two, are losses like others", () => {
  const guard = new LossGuard(usual);
  const outcomes = [5, 6, 1, 5, 5, 1].map((loss, index) => guard.observe(40 + index, loss, 1).kind);
  expect(outcomes).toEqual(Array.from(outcomes, () => "ok"));
  expect(guard.calm).toBe(true);
});

test("before 32 losses are known nothing is a spike", () => {
  const guard = new LossGuard(usual.slice(0, 20));
  const outcomes = [50, 60, 70, 80].map((loss, index) => guard.observe(20 + index, loss, 1).kind);
  expect(outcomes).toEqual(Array.from(outcomes, () => "ok"));
});

test("a loss near zero may double without being a spike", () => {
  const learnt = [...usual, ...Array.from({ length: 32 }, () => 0.001)];
  const guard = new LossGuard(learnt);
  const outcomes = [0.01, 0.02, 0.1, 0.2].map((loss, index) => guard.observe(72 + index, loss, 1).kind);
  expect(outcomes).toEqual(Array.from(outcomes, () => "ok"));
});

test("the fourth time back is the end, with a diagnosis", () => {
  const guard = new LossGuard(usual);
  const rounds = Array.from({ length: 4 }, () => {
    for (const place of [40, 41]) guard.observe(place, NaN, 1);
    const verdict = guard.observe(42, NaN, 1);
    guard.rewind(usual);
    return verdict;
  });
  expect(rounds.map(({ kind }) => kind)).toEqual(["back", "back", "back", "stop"]);
  expect(rounds[3]).toMatchObject({ text: expect.stringContaining("learning rate") as string });
  expect(guard.rollbacks).toBe(4);
});
