import type { Dataset } from "../../domain/data/dataset.ts";
import type { Matrix } from "../../domain/matrix.ts";
import type { EncoderModel } from "../../domain/models/encoder-model.ts";
import { RetuneError } from "../../engine/errors.ts";
import { identityOf, OwnEncoder } from "../encoders/own-encoder.ts";
import { parameterCount } from "../encoders/own-models.ts";
import type { EncoderFacts } from "../encoders/known-encoders.ts";
import type { RunRecord } from "../storage/records.ts";
import { trainedModelId } from "../storage/run-store.ts";
import { cachedRows, embedMissing } from "./embed.ts";
import type { TextGroup } from "./embed.ts";
import type { LiveRun } from "./live-run.ts";
import type { RunPorts } from "./run-ports.ts";

export interface TunedVectors {
  readonly queries: Matrix; // after the run's instruction
  readonly corpus: Matrix;
}

/** Puts the tuned encoder of a run on the shelf, so that it can be chosen and its vectors are cached like any other's. */
export async function tunedFacts(
  { workspace, models }: Pick<RunPorts, "workspace" | "models">,
  run: RunRecord,
): Promise<EncoderFacts> {
  const id = trainedModelId(run.id);
  const known = (await workspace.encoders()).find((encoder) => encoder.id === id);
  if (known) return known;
  const model = await models.tunedEncoder(run);
  const { name, hash, dimension, queryInstruction } = await identityOf(model);
  const shared = { id, name, origin: "trained", runId: run.id } as const;
  const facts = { ...shared, dimension, precision: "fp32", queryInstruction, hash, own: true } as const;
  await workspace.saveEncoder(facts);
  await workspace.saveModel({ ...shared, kind: "encoder", ...sizesOf(model), obstacle: null });
  return facts;
}

function sizesOf(model: EncoderModel) {
  const parameters = parameterCount(model);
  const { layers, hiddenSize: hidden } = model.config;
  return { parameters, layers, hidden, bytes: 4 * parameters };
}

/** What a tuned encoder has to embed of a dataset: passages as they are, questions after its instruction. */
function tunedGroups({ passages, queries }: Dataset, instruction: string): readonly TextGroup[] {
  const unique = (rows: readonly { readonly text: string }[]): string[] => [
    ...new Set(rows.map(({ text }) => text)),
  ];
  if (instruction === "") return [{ instruction, texts: unique([...passages, ...queries]) }];
  return [
    { instruction: "", texts: unique(passages) },
    { instruction, texts: unique(queries) },
  ];
}

/** Vectors of a dataset by a run's tuned encoder, through the cache; null where the run was asked to pause. */
export async function embedTuned(
  ports: RunPorts,
  live: LiveRun,
  dataset: Dataset,
): Promise<TunedVectors | null> {
  const { workspace, models, openBackend } = ports;
  const facts = await tunedFacts(ports, live.current);
  const groups = tunedGroups(dataset, facts.queryInstruction);
  let encoder: OwnEncoder | undefined;
  const open = async () =>
    (encoder ??= await OwnEncoder.open(
      await openBackend(undefined),
      await models.tunedEncoder(live.current),
      await identityOf(await models.tunedEncoder(live.current)),
    ));
  const stop = new AbortController();
  const onProgress = ({ done, total }: { done: number; total: number }): void => {
    live.progress("embedding-again", Math.round(done), Math.round(total));
    if (ports.wish() === "pause") stop.abort();
  };
  try {
    await embedMissing(workspace.vectors, facts, groups, open, { signal: stop.signal, onProgress });
  } catch (error) {
    if (error instanceof RetuneError && error.code === "cancelled") return null;
    throw error;
  } finally {
    await encoder?.close();
  }
  const rows = (texts: readonly { readonly text: string }[], instruction: string): Promise<Matrix> =>
    cachedRows(
      workspace.vectors,
      facts,
      texts.map(({ text }) => text),
      instruction,
    );
  return {
    queries: await rows(dataset.queries, facts.queryInstruction),
    corpus: await rows(dataset.passages, ""),
  };
}
