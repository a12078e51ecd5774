// Jobs whose cluster folders are trained by their own script and by Retune: one for every loss, on 14 texts with two right
// passages for a question, copies of a text, questions without a wrong passage, and some that a teacher did not score.
import { PARITY_TEXTS } from "../../src/domain/formats/parity-texts.ts";

const QUESTIONS = 14;

function dataset() {
  const passages = Array.from({ length: QUESTIONS }, (_, index) => ({
    id: `p${index}`,
    text: PARITY_TEXTS[QUESTIONS + (index === 9 ? 8 : index)], // p9 is a copy of p8
    document: `d${Math.floor(index / 7)}`,
  }));
  const relevant = (index) => [
    { passage: `p${index}`, grade: 2 },
    ...(index === 3 ? [{ passage: "p5", grade: 1 }] : []),
  ];
  const queries = Array.from({ length: QUESTIONS }, (_, index) => ({
    id: `q${index}`,
    text: PARITY_TEXTS[index],
    relevant: relevant(index),
  }));
  return { passages, queries };
}

const wrongOf = (index) => [3, 6].map((ahead) => `p${(index + ahead) % QUESTIONS}`);

/** Two for most questions, one for some, none for the first. */
const negatives = Object.fromEntries(
  Array.from({ length: QUESTIONS }, (_, index) => [
    `q${index}`,
    index === 0 ? [] : wrongOf(index).slice(0, index % 4 === 1 ? 1 : 2),
  ]),
);

/** Scores of the right and the wrong passages; question 4 has none, question 6 no score of a wrong one. */
const teacher = Object.fromEntries(
  Array.from({ length: QUESTIONS }, (_, index) => {
    const wrong = index === 6 ? [] : wrongOf(index).map((id, place) => [id, 0.1 * place - 0.02 * index]);
    return [`q${index}`, index === 4 ? {} : Object.fromEntries([[`p${index}`, 0.9], ...wrong])];
  }),
);

const anchors = PARITY_TEXTS.slice(28, 32);

const common = {
  ...{ recipe: "encoder", mode: "recommended", validation: "none", batchSize: 5, epochs: 3 },
  ...{ learningRate: 1e-3, warmup: 0.2, dropout: false, maxTokens: 48, seed: 1 },
};
const lora = { rank: 2, alpha: 4, rsLora: false, dropout: 0, targets: ["query", "value"] };

/** Name → job of `clusterFolder` and `openEncoderRun`, without its model; `lora` marks those that start apart. */
export function clusterJobs() {
  const job = (settings, data = {}) => ({
    data: { dataset: dataset(), ...data },
    settings: { ...common, ...settings },
  });
  const taught = { negatives, teacher };
  return {
    "cluster-mnrl": job({}),
    "cluster-mnrl-negatives": job({ negativesPerQuestion: 2 }, { negatives }),
    "cluster-symmetric": job({ loss: { kind: "symmetric-mnrl" }, matryoshka: { dimensions: [32, 16] } }),
    "cluster-triplet": job({ loss: { kind: "triplet" } }, { negatives }),
    "cluster-cosent": job({ loss: { kind: "cosent" } }, { negatives }),
    "cluster-cosent-taught": job({ loss: { kind: "cosent" } }, taught),
    "cluster-margin-mse": job({ loss: { kind: "margin-mse" }, negativesPerQuestion: 2 }, taught),
    "cluster-kl": job(
      { loss: { kind: "kl-distillation", temperature: 0.5 }, negativesPerQuestion: 2 },
      taught,
    ),
    "cluster-anchor": job({ mode: "compatible", anchorWeight: 2 }, { anchors }),
    "cluster-lora": { ...job({ recipe: "lora", learningRate: 1e-3, lora }), lora: true },
  };
}
