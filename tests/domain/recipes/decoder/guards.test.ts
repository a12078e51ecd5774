import { expect, test } from "vitest";
import { layGround, type DecoderGround } from "../../../../src/domain/recipes/decoder/decoder-ground.ts";
import { DecoderTraining } from "../../../../src/domain/recipes/decoder/decoder-training.ts";
import type { GuardEvent } from "../../../../src/domain/recipes/encoder/encoder-job.ts";
import { openTestCpu } from "../open-backend.ts";
import { tinyJob } from "./tiny-decoder.ts";

type Figures = { readonly loss: number; readonly norm: number };

/** A real run whose reported figures are bent by `bend`, given the place of the step and how often it was taken. */
async function bentRun(bend: (place: number, time: number, own: Figures) => Figures) {
  const job = tinyJob({ epochs: 8, accumulate: 2, batchSize: 4, validation: "none" });
  const ground = await layGround(await openTestCpu(), job, {});
  const places: number[] = [];
  let pending: number[] = [];
  const { steps } = ground;
  const bent: DecoderGround = {
    ...ground,
    steps: {
      run: (batches, turn) => {
        places.push(turn.place);
        pending.push(turn.place);
        return steps.run(batches, turn);
      },
      collect: async () => {
        const rows = await steps.collect();
        const taken = pending;
        pending = [];
        return rows.map((row, index) => {
          const place = taken[index]!;
          return bend(place, places.filter((own) => own === place).length, row);
        });
      },
    },
  };
  const run = new DecoderTraining(bent, "bent");
  run.begin(undefined);
  const guards: GuardEvent[] = [];
  const rates: number[] = [];
  for await (const step of run.steps()) {
    guards.push(...step.guards);
    rates.push(step.learningRate);
  }
  const kept = await run.keep();
  run.dispose();
  return { places, guards, rates, kept, total: ground.layout.schedule.total };
}

test("three high losses in a row: back to the last good state, and those steps are left out", async () => {
  const { places, guards, kept, total } = await bentRun((place, time, own) =>
    time === 1 && place >= 38 && place <= 40 ? { ...own, loss: 100 } : own,
  );
  expect(guards).toMatchObject([{ kind: "spike", step: 41, learningRateFactor: 1 }]);
  const again = places.slice(places.indexOf(40) + 1);
  expect(again[0]).toBe(guards[0]!.back);
  for (const left of [38, 39, 40]) expect(again).not.toContain(left);
  expect(kept.losses).toHaveLength(total - 3);
  expect(Math.max(...kept.losses)).toBeLessThan(100);
});

test("three steps that are not finite: back, with half the rate, and they are tried again", async () => {
  const { places, guards, kept, total, rates } = await bentRun((place, time, own) =>
    time === 1 && place >= 20 && place <= 22 ? { ...own, norm: NaN } : own,
  );
  expect(guards.at(-1)).toMatchObject({ kind: "not-finite", step: 23, learningRateFactor: 0.5 });
  expect(places.filter((place) => place === 21)).toHaveLength(2);
  expect(kept.losses).toHaveLength(total);
  expect(rates.at(-1)!).toBeLessThan(rates[19]! / 2);
});

test("what never gets better ends the run with a word, and the last good weights are kept", async () => {
  const { guards, kept, total } = await bentRun((place, _time, own) =>
    place >= 20 ? { ...own, loss: Infinity } : own,
  );
  expect(guards.at(-1)).toMatchObject({ kind: "stopped", learningRateFactor: 0.125 });
  expect(kept.losses.length).toBeLessThan(total);
  expect(kept.notes.join(" ")).toMatch(/4th time/);
});

test("weights that became infinite are noticed in the numbers themselves", async () => {
  const backend = await openTestCpu();
  const ground = await layGround(backend, tinyJob({ learningRate: 1, clip: 1e30, epochs: 4 }), {});
  const broken = new Map(
    Array.from(ground.initial, ([name, tensor]) => [
      name,
      name.includes("lora_B") ? { ...tensor, values: tensor.values.map(() => 1e30) } : tensor,
    ]),
  );
  const run = new DecoderTraining({ ...ground, initial: broken }, "broken");
  run.begin(undefined);
  for await (const step of run.steps()) expect(step.step).toBeGreaterThanOrEqual(0);
  const { guards, losses } = await run.keep();
  run.dispose();
  expect(guards.at(-1)?.kind).toBe("stopped");
  expect(losses).toEqual([]);
});
