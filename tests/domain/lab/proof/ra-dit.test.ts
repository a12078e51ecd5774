import { expect, test } from "vitest";
import { openTestCpu } from "../../recipes/open-backend.ts";
import { nanoDecoder } from "./nano.ts";
import { retrieverProof } from "./ra-dit.ts";

test("what the decoder says of passages brings the retriever nearer to it, and to the right passage", async () => {
  const cpu = await openTestCpu();
  const { divergence, before, after } = await retrieverProof(cpu, await nanoDecoder(), 110, 20);
  expect(divergence.after).toBeLessThan(divergence.before);
  expect(after.hitAt1).toBeGreaterThan(before.hitAt1);
  cpu.dispose();
});
