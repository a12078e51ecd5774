import { expect, test } from "vitest";
import type { MiningView } from "../../src/app/studio-mining.ts";
import { withStates } from "../../src/ui/negatives.ts";

const candidate = (passageId: string) =>
  ({ passageId, kind: "mined", rank: 1, score: 0.5, state: "proposed" }) as const;
const view: MiningView = {
  mined: null,
  questions: ["q1", "q2"].map((questionId) => ({
    ...{ questionId, text: questionId, positives: [] },
    candidates: [candidate("p1"), candidate("p2")],
  })),
};

test("a decision changes the candidate it names and nothing else", () => {
  const after = withStates(view, [{ questionId: "q2", passageId: "p1", state: "accepted" }]);
  expect(after.questions[0]).toBe(view.questions[0]);
  expect(after.questions[1]!.candidates.map(({ state }) => state)).toEqual(["accepted", "proposed"]);
  expect(view.questions[1]!.candidates[0]!.state).toBe("proposed");
});
