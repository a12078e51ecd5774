import { expect, test } from "vitest";
import { rungAction } from "../../src/ui/ladder.ts";
import { LADDER, LADDER_ENDED } from "./fake-tuning.ts";

test("only the next rung is offered, and after one that did not pay only against the advice", () => {
  const actions = (ladder: typeof LADDER) => ladder.rungs.map((rung) => rungAction(ladder, rung));
  expect(actions(LADDER)).toEqual([null, null, "next", null, null, null]);
  expect(actions(LADDER_ENDED)).toEqual([null, null, null, "anyway", null, null]);
});

test("a rung with an obstacle is not offered", () => {
  const rung = { ...LADDER.rungs[2]!, obstacle: "There are no training questions yet." };
  expect(rungAction(LADDER, rung)).toBeNull();
});
