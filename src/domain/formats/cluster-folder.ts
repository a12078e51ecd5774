// "Take it to a cluster": the data, the order of the batches, the recipe and a script that repeats the training on many
// GPUs with sentence-transformers. Unlike every other export this one holds the training texts: it says so in its README.
import { RetuneError } from "../../engine/errors.ts";
import { jsonFile, utf8 } from "./folder-reader.ts";
import { CLUSTER_LOSSES } from "./cluster-losses.ts";
import { CLUSTER_SCRIPT, RAY_SCRIPT } from "./cluster-script.ts";

/** What a loss may read of a passage beside its text. */
export interface ClusterLabels {
  readonly score?: number; // a re-ranker's, of the question with this passage
  readonly grade?: number; // as judged; absent: 0
}

/** One question with one right passage, and the wrong ones it is trained with. */
export interface ClusterRow extends ClusterLabels {
  readonly anchor: string;
  readonly positive: string;
  readonly id: string; // of the passage
  readonly right: readonly string[]; // ids of all passages that answer the question: never a negative of it
  readonly negatives: readonly (ClusterLabels & { readonly id: string; readonly text: string })[];
}

/** The losses the script computes; GradCache's gradient is that of "mnrl". */
export type ClusterLoss =
  | { readonly kind: "mnrl" | "symmetric-mnrl" | "cosent"; readonly scale: number }
  | { readonly kind: "triplet"; readonly distance: "euclidean" | "cosine"; readonly margin: number }
  | { readonly kind: "margin-mse" }
  | { readonly kind: "kl-distillation"; readonly temperature: number };

/** General questions whose vectors are held where the base has them. */
export interface ClusterAnchors {
  readonly texts: readonly string[];
  readonly perStep: number; // in turn
  readonly weight: number;
}

export interface ClusterRecipe {
  readonly base: string; // name or path of the base model, as the cluster knows it
  readonly loss: ClusterLoss;
  readonly width: number; // of the vectors
  readonly matryoshka: {
    readonly dimensions: readonly number[];
    readonly weights?: readonly number[];
  } | null;
  readonly anchors: ClusterAnchors | null;
  readonly maskOtherPositives: boolean;
  readonly mostRight: number; // right columns of a question in one batch
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly warmup: number; // share of all steps
  readonly clip: number;
  readonly dropout: boolean;
  readonly maxTokens: number;
  readonly seed: number;
  readonly prompts: { readonly query: string; readonly document: string };
  readonly lora: {
    readonly rank: number;
    readonly alpha: number;
    readonly rsLora: boolean;
    readonly dropout: number;
    readonly targets: readonly string[];
  } | null;
}

/** Row numbers of every optimizer step, all epochs one after the other. */
export type ClusterBatches = readonly (readonly number[])[];

/** The whole folder. "usage" where a batch names a row that is not there or is empty. */
export function writeClusterFolder(
  recipe: ClusterRecipe,
  rows: readonly ClusterRow[],
  batches: ClusterBatches,
): Map<string, Uint8Array> {
  checkBatches(recipe, rows, batches);
  return new Map([
    ["README.md", utf8(readme(recipe, rows.length, batches.length))],
    ["config.json", jsonFile(configOf(recipe, batches.length))],
    ["train.jsonl", utf8(rows.map((row) => `${JSON.stringify(row)}\n`).join(""))],
    ["batches.jsonl", utf8(batches.map((batch) => `${JSON.stringify(batch)}\n`).join(""))],
    ["train.py", utf8(CLUSTER_SCRIPT)],
    ["losses.py", utf8(CLUSTER_LOSSES)],
    ["ray_train.py", utf8(RAY_SCRIPT)],
    ["requirements.txt", utf8("sentence-transformers>=3\naccelerate\npeft\n")],
  ]);
}

function configOf(recipe: ClusterRecipe, steps: number): Readonly<Record<string, unknown>> {
  const dimensions = recipe.matryoshka?.dimensions ?? [recipe.width];
  const { lora, anchors } = recipe;
  return {
    base: recipe.base,
    loss: recipe.loss,
    dimensions,
    dimension_weights: recipe.matryoshka?.weights ?? dimensions.map(() => 1),
    matryoshka: recipe.matryoshka !== null,
    anchors: anchors?.texts ?? [],
    anchors_per_step: anchors?.perStep ?? 0,
    anchor_weight: anchors?.weight ?? 0,
    mask_other_positives: recipe.maskOtherPositives,
    most_right: recipe.mostRight,
    steps,
    learning_rate: recipe.learningRate,
    warmup_steps: Math.floor(steps * recipe.warmup),
    weight_decay: recipe.weightDecay,
    clip: recipe.clip,
    dropout: recipe.dropout,
    max_tokens: recipe.maxTokens,
    seed: recipe.seed,
    prompts: recipe.prompts,
    lora: lora && {
      r: lora.rank,
      lora_alpha: lora.alpha,
      lora_dropout: lora.dropout,
      use_rslora: lora.rsLora,
      target_modules: lora.targets,
    },
  };
}

const NEEDS_WRONG: readonly ClusterLoss["kind"][] = ["triplet", "cosent", "margin-mse", "kl-distillation"];

function checkBatches(recipe: ClusterRecipe, rows: readonly ClusterRow[], batches: ClusterBatches): void {
  for (const [step, batch] of batches.entries()) {
    const odd = batch.find((row) => !rows[row]);
    if (odd !== undefined || batch.length === 0) {
      const text = odd === undefined ? "is empty" : `names row ${odd} of ${rows.length}`;
      throw new RetuneError("usage", `cluster folder: batch ${step + 1} ${text}`);
    }
    const { kind } = recipe.loss;
    if (!NEEDS_WRONG.includes(kind) || batch.some((row) => rows[row]!.negatives.length > 0)) continue;
    const text = `no question of batch ${step + 1} has a wrong passage, which ${kind} needs`;
    throw new RetuneError("usage", `cluster folder: ${text}; mine negatives first`);
  }
}

function readme(recipe: ClusterRecipe, rows: number, steps: number): string {
  return `# The same training on a cluster

**This folder holds your training texts** (train.jsonl). Copy it only where they may go.

${rows} rows, ${steps} steps of the recipe in config.json, from ${recipe.base}. batches.jsonl names the rows of every step, so
any number of processes trains on the same batches in the same order, with the gradient of the whole batch.

    pip install -r requirements.txt
    accelerate launch --num_processes 4 train.py
    python ray_train.py 4                              # with Ray Train; pip install "ray[train]"
    python train.py --print-batches 0 4                # what process 0 of 4 would train on

The result is a sentence-transformers folder in trained/. Validation and early stopping are Retune's: import the folder
there to judge it.
`;
}
