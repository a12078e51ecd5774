import { afterEach, beforeAll, expect, test } from "vitest";
import { CounterRandom } from "../../src/domain/random.ts";
import {
  KillableBrowser,
  killPart,
  outcomeOf,
  startSample,
  type KillKind,
  type RunOutcome,
} from "./kill-harness.ts";

const KINDS: readonly KillKind[] = ["worker", "tab", "browser"];
const KILLS = 20;
const SEED = Number(process.env["RETUNE_SEED"] ?? 20261121); // another seed: other moments

let browser: KillableBrowser;
let whole: RunOutcome;
let milliseconds: number;

beforeAll(async () => {
  browser = new KillableBrowser();
  const page = await browser.open();
  await startSample(page);
  const started = performance.now();
  whole = await outcomeOf(page);
  milliseconds = performance.now() - started;
  await browser.close();
});

afterEach(() => browser.close());

const random = new CounterRandom(SEED);
const kills = Array.from({ length: KILLS }, (_, index) => ({
  kind: KINDS[index % KINDS.length]!,
  moment: random.uniform(), // of the time a whole run takes
}));

test.each(kills)("killed at any moment ($kind, $moment of the way): same bits", async ({ kind, moment }) => {
  browser = new KillableBrowser();
  const page = await browser.open();
  await startSample(page);
  await page.waitForTimeout(moment * milliseconds * 0.8);
  const next = await killPart(browser, page, kind);
  expect(await outcomeOf(next)).toEqual(whole);
});
