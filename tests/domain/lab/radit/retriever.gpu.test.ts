import { afterAll, beforeAll, expect, test } from "vitest";
import { softmax } from "../../../../src/domain/lab/radit/supervision.ts";
import { tuneRetriever } from "../../../../src/domain/lab/radit/tune-retriever.ts";
import { CounterRandom } from "../../../../src/domain/random.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { expectClose } from "../../../close.ts";
import { openDawn } from "../../../engine/dawn.ts";
import { openTestCpu } from "../../recipes/open-backend.ts";

let gpu: Backend;
let cpu: Backend;
beforeAll(async () => {
  [gpu, cpu] = [await openDawn(), await openTestCpu()];
});
afterAll(() => gpu.dispose());

const [ROWS, PASSAGES, D] = [12, 20, 16];
const random = new CounterRandom(11);
const table = (rows: number) => ({
  rows,
  columns: D,
  values: Float32Array.from({ length: rows * D }, () => 2 * random.uniform() - 1),
});

test("the retriever takes the same steps on WebGPU as on the CPU", async () => {
  const candidates = Array.from({ length: ROWS }, (_, row) => [row, row + 3, row + 7]);
  const data = {
    ...{ queries: table(ROWS), passages: table(PASSAGES), candidates },
    targets: candidates.map((own) => softmax(Float64Array.from(own, () => 2 * random.uniform()))),
  };
  const settings = { epochs: 4, batchSize: 5, heldOut: 0, learningRate: 1e-2 };
  const [onGpu, onCpu] = [await tuneRetriever(gpu, data, settings), await tuneRetriever(cpu, data, settings)];
  expect(onCpu.divergence.after).toBeLessThan(onCpu.divergence.before);
  expectClose(onGpu.losses, onCpu.losses, { relative: 1e-3 }, "losses");
  const weights = ({ weights: own }: typeof onCpu): Float32Array => own.get("linear.weight")!.values;
  expectClose(weights(onGpu), weights(onCpu), { absolute: 1e-3 }, "weights");
});
