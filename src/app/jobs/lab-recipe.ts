import { decoderRows } from "../../domain/recipes/decoder/decoder-rows.ts";
import { ROW_NOTE_TEXTS, type TrainingRows } from "../../domain/chat/training-rows.ts";
import type { LabExample, LabTask, LabTaskId } from "../../domain/lab/lab-task.ts";
import { partedForLooking } from "../../domain/lab/split-rows.ts";
import type { DecoderModel } from "../../domain/models/decoder-model.ts";
import type { DecoderJob, DecoderSettings } from "../../domain/recipes/decoder/decoder-job.ts";
import { RetuneError } from "../../engine/errors.ts";
import { NANO_DECODER } from "../encoders/decoder-source.ts";
import type { LabRecipe } from "../studio-lab.ts";
import type { LabData } from "./lab-data.ts";

const MOST_TOKENS = 1024;
const JUDGED_ROWS = 200;
const MOST_NOTES = 20;

/** What a run starts with where nothing is changed: a tiny model learns at a higher rate and needs more steps. */
export function recommendedRecipe(
  { task, train }: LabData,
  model: Pick<DecoderModel, "config" | "placeholders">,
  base = NANO_DECODER,
): LabRecipe {
  const settings: DecoderSettings = {
    method: "lora",
    lora: { rank: 8, alpha: 16 },
    ...(model.placeholders ? tinyPace(task.id, train.length) : { epochs: 3, learningRate: 2e-4 }),
    batchSize: 16,
    seed: 0,
  };
  return {
    base,
    settings,
    learn: "answers",
    maxTokens: Math.min(MOST_TOKENS, model.config.maxPositions),
    maxNewTokens: task.maxNewTokens,
    constrained: false,
    judgedRows: JUDGED_ROWS,
  };
}

/**
 * About 600 steps of 16 rows, which is what the bundled model needs for a new skill. Answering over a passage it can do already: longer
 * training over passages that do not help teaches it to guess (the sample's exact match falls from 0.58 to 0.46).
 */
function tinyPace(system: LabTaskId, rows: number): Pick<DecoderSettings, "epochs" | "learningRate"> {
  if (system === "ra-dit") return { epochs: 2, learningRate: 5e-4 };
  const epochs = Math.max(1, Math.min(30, Math.round((600 * 16) / Math.max(1, rows))));
  return { epochs, learningRate: 2e-3 };
}

/** What is trained on, with the notes that a person should read. */
export interface PreparedRows {
  readonly job: Omit<DecoderJob, "settings" | "base">;
  readonly learnt: TrainingRows;
  readonly notes: readonly string[];
}

/** Rows as tokens; every tenth group is held back to look at, so that the test rows judge and never choose. */
export async function preparedRows(
  data: LabData,
  model: DecoderModel,
  recipe: LabRecipe,
): Promise<PreparedRows> {
  const { learn, maxTokens } = recipe;
  const rows = (examples: readonly LabExample[]): Promise<TrainingRows> =>
    decoderRows(model.format, conversationsOf(data.task, examples, model), { learn, maxTokens });
  const { train, look } = partedForLooking(data.task, data.train);
  const learnt = await rows(train);
  const looked = look.length > 0 ? await rows(look).catch(withoutRows) : null;
  const replay = data.replay.length > 0 ? await rows(data.replay) : null;
  const job = {
    rows: learnt.rows,
    ...(looked ? { validationRows: looked.rows } : {}),
    ...(replay ? { replayRows: replay.rows } : {}),
  };
  return { job, learnt, notes: notesOf(learnt) };
}

function conversationsOf(task: LabTask, examples: readonly LabExample[], form: DecoderModel) {
  return examples.flatMap((example) => task.conversations(example, form));
}

/** All rows held back were too long: then nothing is looked at. */
function withoutRows(error: unknown): null {
  if (error instanceof RetuneError && error.code === "too-little-data") return null;
  throw error;
}

function notesOf({ notes }: TrainingRows): readonly string[] {
  const shown = notes.slice(0, MOST_NOTES).map(({ kind, line, reason }) => {
    return `Row ${line} ${ROW_NOTE_TEXTS[kind]}${reason === undefined ? "" : ` (${reason})`}.`;
  });
  const more = notes.length - shown.length;
  return more > 0 ? [...shown, `${more} more rows like these.`] : shown;
}
