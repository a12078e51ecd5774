import type { DriftReport } from "../../domain/eval/advice-types.ts";
import { driftReport } from "../../domain/eval/drift.ts";
import { generalSet } from "../../domain/eval/general/general-set.ts";
import { CounterRandom } from "../../domain/random.ts";
import type { RunRecord } from "../storage/records.ts";
import { withModel } from "./advice-ground.ts";
import { modelAt, vectorsBy } from "./model-at.ts";
import { projectGround } from "./verdict-ground.ts";
import type { AdviceControl, AdvicePorts } from "./verdict-ground.ts";

const ANCHORS = 200; // passages of the project, unlabelled
const SEED = 0;

/** A run's model against its base on the bundled general set and on passages of the project; kept with the run. */
export async function guardRunDrift(
  ports: AdvicePorts,
  runId: string,
  control: AdviceControl,
): Promise<DriftReport> {
  const { workspace } = ports;
  const run = await workspace.runs.get(runId);
  const { data, dataHash } = await projectGround(workspace, run.projectId);
  const general = generalSet();
  const passages = [...data.train.passages, ...data.test.passages];
  const texts = drawn(passages.map(({ text }) => text));
  const base = await modelAt(ports, run, 0);
  const before = await vectorsBy(base, general, control);
  const value = await withModel(ports, run, 1, async (model) => {
    const started = performance.now();
    const after = await vectorsBy(model, general, control);
    // An adapter moves questions alone: passages after it would be texts that it never meets.
    const own = model.moves === "everything" ? texts : [];
    const anchors = { before: await base.passages(own), after: await model.passages(own, control) };
    const seconds = (performance.now() - started) / 1000;
    const embedded = general.passages.length + general.queries.length + own.length;
    const rate = await textsPerSecond(ports, run, seconds, embedded);
    const chunks = passages.length;
    const index: DriftReport["index"] =
      model.moves === "questions"
        ? { kind: "valid" }
        : { kind: "embed-again", chunks, seconds: rate === null ? null : chunks / rate };
    return driftReport({ general, before, after, anchors, index, seed: SEED });
  });
  await keepForRun(ports, run, "drift", dataHash, value);
  return value;
}

/** As measured just now; where the texts came out of the cache, as the base was measured. */
async function textsPerSecond(
  { workspace }: AdvicePorts,
  { encoderId }: RunRecord,
  seconds: number,
  embedded: number,
): Promise<number | null> {
  if (seconds > 0.2) return embedded / seconds;
  const known = await workspace.setting(`texts per second ${encoderId}`);
  return typeof known === "number" ? known : null;
}

function drawn(texts: readonly string[]): readonly string[] {
  const order = CounterRandom.stream(SEED, 101).permutation(texts.length).subarray(0, ANCHORS);
  return Array.from(order, (index) => texts[index]!);
}

/** Keeps what was found about a run, on the data as they are. */
export async function keepForRun(
  { workspace }: AdvicePorts,
  { id, projectId }: RunRecord,
  kind: string,
  dataHash: string,
  value: unknown,
): Promise<void> {
  await workspace.parts.saveFinding({ projectId, runId: id, kind, dataHash, value });
}
