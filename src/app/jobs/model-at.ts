import type { Dataset } from "../../domain/data/dataset.ts";
import type { SideVectors } from "../../domain/eval/drift.ts";
import type { Matrix } from "../../domain/matrix.ts";
import { applyAdapter } from "../../domain/models/apply-adapter.ts";
import { mergeAdapter } from "../../domain/models/merge-adapter.ts";
import { RetuneError } from "../../engine/errors.ts";
import { embedThroughCache } from "../encoders/cached-encoder.ts";
import { encoderById, spaceOf } from "../encoders/known-encoders.ts";
import { identityOf, OwnEncoder } from "../encoders/own-encoder.ts";
import type { RunRecord } from "../storage/records.ts";
import { cachedRows } from "./embed.ts";
import { tunedAt } from "./export-tuned.ts";
import { queryInstructionOf } from "./recipe-facts.ts";
import { loadResult } from "./result-store.ts";
import type { AdviceControl, AdvicePorts } from "./verdict-ground.ts";

/** A run's model between its base (0) and itself (1), as something that turns texts into vectors. */
export interface ModelAt {
  readonly moves: "questions" | "everything"; // whether passages keep their vectors
  questions(texts: readonly string[], control?: AdviceControl): Promise<Matrix>; // after the run's instruction
  passages(texts: readonly string[], control?: AdviceControl): Promise<Matrix>;
  close(): Promise<void>;
}

/** Opens an adapter, encoder or lora run at a strength. What the base needs must be cached. */
export async function modelAt(ports: AdvicePorts, run: RunRecord, strength: number): Promise<ModelAt> {
  const { task } = run.recipe;
  if (task === "adapter") return adapterAt(ports, run, strength);
  if (task !== "encoder" && task !== "lora") {
    throw new RetuneError("unsupported", `A ${task} gives no vectors; this is for adapters and encoders.`);
  }
  return strength === 0 ? baseOf(ports, run) : encoderAt(ports, run, strength);
}

async function adapterAt(ports: AdvicePorts, run: RunRecord, strength: number): Promise<ModelAt> {
  const base = await baseOf(ports, run);
  if (strength === 0) return { ...base, moves: "questions" };
  const { config, weights } = await loadResult(ports.workspace.checkpoints, run.id);
  const mixed = mergeAdapter(config, weights, strength);
  return {
    ...base,
    moves: "questions",
    questions: async (texts) => applyAdapter(config, mixed, await base.questions(texts)),
  };
}

/** The base by its cached vectors alone. */
async function baseOf({ workspace }: AdvicePorts, run: RunRecord): Promise<ModelAt> {
  const encoder = await encoderById(workspace, run.encoderId);
  const rows = (texts: readonly string[], instruction: string): Promise<Matrix> =>
    cachedRows(workspace.vectors, encoder, texts, instruction);
  return {
    moves: "everything",
    questions: (texts) => rows(texts, queryInstructionOf(run.recipe)),
    passages: (texts) => rows(texts, ""),
    close: () => Promise.resolve(),
  };
}

/** Mixed weights are embedded with anew; only the tuned model itself goes through the cache. */
async function encoderAt(
  { workspace, models, openBackend }: AdvicePorts,
  run: RunRecord,
  strength: number,
): Promise<ModelAt> {
  const model = await tunedAt({ models }, run, strength);
  const identity = await identityOf(model);
  const encoder = await OwnEncoder.open(await openBackend(undefined), model, identity);
  const prefix = queryInstructionOf(run.recipe);
  const encode = async (texts: readonly string[], instruction: string, control: AdviceControl = {}) => {
    if (strength !== 1) {
      return encoder.encode(
        texts.map((text) => instruction + text),
        control,
      );
    }
    const facts = { id: identity.hash, origin: "trained" as const, ...identity };
    const space = spaceOf(facts, instruction);
    const open = () => Promise.resolve(encoder);
    const { dimension } = identity;
    return (await embedThroughCache(workspace.vectors, space, dimension, texts, open, control)).vectors;
  };
  return {
    moves: "everything",
    questions: (texts, control) => encode(texts, prefix, control),
    passages: (texts, control) => encode(texts, "", control),
    close: () => encoder.close(),
  };
}

/** The vectors of a whole set. */
export async function vectorsBy(
  model: ModelAt,
  { queries, passages }: Dataset,
  control: AdviceControl = {},
): Promise<SideVectors> {
  const corpus = await model.passages(
    passages.map(({ text }) => text),
    control,
  );
  return {
    corpus,
    queries: await model.questions(
      queries.map(({ text }) => text),
      control,
    ),
  };
}
