// Writes one router of each kind with what we say to the sample's test questions, for check_router.py.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openBackend } from "../../cli/ports/backend.ts";
import { choiceText, type RouterDataset } from "../../src/domain/data/router-dataset.ts";
import { fitPlatt, type Calibration } from "../../src/domain/eval/calibration.ts";
import { routerScores, routed } from "../../src/domain/recipes/router/route.ts";
import { readCrossEncoderFolder } from "../../src/domain/formats/cross-encoder-folder.ts";
import { readNpy } from "../../src/domain/formats/npy.ts";
import { readRouterData } from "../../src/domain/formats/router-data.ts";
import { writeRouterFolder } from "../../src/domain/formats/router-folder.ts";
import { readSentenceTransformersFolder } from "../../src/domain/formats/sentence-transformers-folder.ts";
import { rowOf, type Matrix } from "../../src/domain/matrix.ts";
import type { TrainedRouter } from "../../src/domain/recipes/router/router-job.ts";
import { openRouterRun } from "../../src/domain/recipes/router/router.ts";
import { choiceVectorsOf } from "../../src/domain/recipes/router/score-choices.ts";
import type { Backend } from "../../src/engine/backend.ts";

export async function main(argv: readonly string[], { root }: { readonly root: string }): Promise<number> {
  const out = argv[0]!;
  const backend = await openBackend("cpu", root);
  const sample = join(root, "public", "samples", "router");
  const read = async (name: string): Promise<Uint8Array> =>
    new Uint8Array(await readFile(join(sample, name)));
  const dataset = async (name: string): Promise<RouterDataset> =>
    readRouterData([{ name, content: await read(name) }]).dataset;
  const vectors = async (name: string): Promise<Matrix> => readNpy(await read(`vectors/${name}.npy`));
  const [train, test] = [await dataset("train.json"), await dataset("test.json")];
  const [queries, asked, choices] = [
    await vectors("train_queries"),
    await vectors("test_queries"),
    await vectors("choices"),
  ];
  const routers = new Map<string, TrainedRouter>();
  for (const trainer of ["softmax", "embedding"] as const) {
    const job = {
      settings: { trainer, seed: 0 },
      dataset: train,
      vectors: { queries, choices },
      encoderName: "bge-small-en-v1.5",
    };
    const run = await openRouterRun(backend, job);
    const steps = run.steps();
    for (let next = await steps.next(); ; next = await steps.next()) {
      if (!next.done) continue;
      routers.set(next.value.kind, next.value);
      break;
    }
    run.dispose();
  }
  for (const router of await tinyRouters(backend, root, train)) routers.set(router.kind, router);
  const texts = test.examples.map(({ text }) => text);
  for (const [kind, router] of routers) {
    const scores = await routerScores(backend, router, { texts, vectors: asked });
    const answers = routed(router, scores);
    const expected = texts.map((text, row) => ({
      text,
      scores: Array.from(rowOf(scores, row)),
      choice: answers[row]!.choice,
      probability: answers[row]!.probability,
    }));
    const files = writeRouterFolder(router);
    files.set("expected.json", new TextEncoder().encode(JSON.stringify(expected)));
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(out, kind, path)), { recursive: true });
      await writeFile(join(out, kind, path), bytes);
    }
  }
  const known = [
    ...texts.map((text, row) => [text, Array.from(rowOf(asked, row))] as const),
    ...train.choices.map((choice, row) => [choiceText(choice), Array.from(rowOf(choices, row))] as const),
  ];
  await writeFile(join(out, "vectors.json"), JSON.stringify(Object.fromEntries(known)));
  backend.dispose();
  return 0;
}

/** Routers of the tiny fixture models, untrained: what is checked is that both sides compute the same. */
async function tinyRouters(
  backend: Backend,
  root: string,
  { choices }: RouterDataset,
): Promise<TrainedRouter[]> {
  const folder = (name: string) => filesOf(join(root, "tests", "fixtures", "formats", name));
  const calibration: Calibration = {
    ...fitPlatt([0.1, 0.4, 0.5, 0.9].map((score) => ({ score, right: score > 0.45, weight: 1 }))),
    signal: "margin",
    threshold: 0.5,
    precision: { value: 0.9, low: 0.7, high: 1, target: 0.9 },
    reached: true,
    accepted: 0.5,
    ece: 0.1,
    examples: 4,
  };
  const parts = {
    choices,
    calibration,
    baseCalibration: null,
    encoderName: "tiny",
    queryInstruction: "",
    losses: [],
    heldOut: null,
    epochs: 0,
    notes: [],
  };
  const { model } = readSentenceTransformersFolder(await folder("st-tiny-5x"), "tiny");
  const pairs = readCrossEncoderFolder(await folder("cross-encoder-tiny"), "tiny");
  const choiceVectors = await choiceVectorsOf(backend, model, choices);
  return [
    { kind: "encoder", ...parts, model, choiceVectors, queryInstruction: model.prompts.query },
    { kind: "cross-encoder", ...parts, model: pairs },
  ];
}

async function filesOf(folder: string, below = ""): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) for (const [name, bytes] of await filesOf(folder, path)) files.set(name, bytes);
    else files.set(path, new Uint8Array(await readFile(join(folder, path))));
  }
  return files;
}
