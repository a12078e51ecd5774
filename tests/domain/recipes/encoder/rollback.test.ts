import { expect, test } from "vitest";
import { layGround, type EncoderGround } from "../../../../src/domain/recipes/encoder/encoder-ground.ts";
import type { GuardEvent } from "../../../../src/domain/recipes/encoder/encoder-job.ts";
import { EncoderTraining } from "../../../../src/domain/recipes/encoder/encoder-training.ts";
import { openTestCpu } from "../open-backend.ts";
import { tinyJob } from "./tiny-job.ts";

type Figures = { readonly loss: number; readonly norm: number };

/** A real run whose reported figures are bent by `bend`, given the place of the step and how often it was taken. */
async function bentRun(bend: (place: number, time: number, own: Figures) => Figures) {
  const ground = await layGround(await openTestCpu(), tinyJob({ epochs: 5, validation: "none" }), {});
  const places: number[] = [];
  let pending: number[] = [];
  const { taker } = ground;
  const bent: EncoderGround = {
    ...ground,
    taker: {
      prepare: () => taker.prepare(),
      dispose: () => taker.dispose(),
      run: (batch, feeds, turn) => {
        places.push(turn.counter);
        pending.push(turn.counter);
        return taker.run(batch, feeds, turn);
      },
      collect: async () => {
        const rows = await taker.collect();
        const steps = pending;
        pending = [];
        return rows.map((row, index) => {
          const place = steps[index]!;
          const time = places.filter((own) => own === place).length;
          return bend(place, time, { loss: row["loss"]!, norm: row["norm"]! });
        });
      },
    },
  };
  const run = new EncoderTraining(bent, "bent");
  run.begin(undefined);
  const guards: GuardEvent[] = [];
  const rates: number[] = [];
  for await (const step of run.steps()) {
    guards.push(...step.guards);
    rates.push(step.learningRate);
  }
  const kept = await run.keep();
  run.dispose();
  return { places, guards, rates, kept, total: ground.schedule.total, every: ground.lookEvery };
}

test("three high losses in a row: back to the last good state, and those batches are left out", async () => {
  const { places, guards, kept, total, every } = await bentRun((place, time, own) =>
    time === 1 && place >= 43 && place <= 45 ? { ...own, loss: 100 } : own,
  );
  const back = Math.floor(45 / every) * every; // no state is remembered while losses are under suspicion
  expect(guards).toMatchObject([{ kind: "spike", step: 46, learningRateFactor: 1 }]);
  expect(guards[0]!.back).toBeLessThanOrEqual(back);
  const again = places.slice(places.indexOf(45) + 1);
  expect(again[0]).toBe(guards[0]!.back);
  for (const left of [43, 44, 45]) expect(again).not.toContain(left);
  expect(again.at(-1)).toBe(total - 1);
  expect(kept.losses).toHaveLength(total - 3);
  expect(Math.max(...kept.losses)).toBeLessThan(100);
  expect(kept.guards).toEqual(guards);
});

test("three steps that are not finite: back, with half the rate, and the batches are tried again", async () => {
  const { places, guards, rates, kept, total } = await bentRun((place, time, own) =>
    time === 1 && place >= 20 && place <= 22 ? { ...own, norm: NaN } : own,
  );
  expect(guards.map(({ kind }) => kind)).toEqual(["not-finite", "not-finite", "not-finite"]);
  expect(guards.at(-1)).toMatchObject({ step: 23, learningRateFactor: 0.5 });
  expect(places.filter((place) => place === 21)).toHaveLength(2);
  expect(kept.losses).toHaveLength(total);
  const [first, later] = [rates[19]!, rates.at(-1)!];
  expect(later).toBeLessThan(first / 2);
});

test("what never gets better ends the run with a word, and the last good weights are kept", async () => {
  const { guards, kept, total } = await bentRun((place, _time, own) =>
    place >= 20 ? { ...own, loss: Infinity } : own,
  );
  expect(guards.filter(({ kind }) => kind === "stopped")).toHaveLength(1);
  expect(guards.at(-1)).toMatchObject({ kind: "stopped", learningRateFactor: 0.125 });
  expect(kept.losses.length).toBeLessThan(total);
  expect(kept.losses.every(Number.isFinite)).toBe(true);
  expect(kept.notes.join(" ")).toMatch(/4th time/);
});
