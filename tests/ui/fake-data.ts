import type { EnvironmentView, JobView } from "../../src/app/studio.ts";
import type { ProjectView, QuestionView } from "../../src/app/studio-data.ts";
import type { RunState, RunView } from "../../src/app/studio-training.ts";
import type { Verdict } from "../../src/domain/eval/report.ts";
import type { AdapterSettings, TrainingStep } from "../../src/domain/recipes/adapter-job.ts";
import { FLAGS } from "./fake-flags.ts";
import { numbers } from "./fake-report.ts";

export const TOPICS = [
  "raisin days",
  "the crumb line",
  "a blue ticket",
  "the kettle rota",
  "second harvest",
  "glass leave",
];
const ASKS = [
  "How do I book",
  "Who signs off",
  "When does it end with",
  "What happens if I miss",
  "Where do I write down",
];

export function questionTexts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const topic = TOPICS[index % TOPICS.length]!;
    return `${ASKS[index % ASKS.length]!} ${topic} in my ${1 + (index % 9)}. month?`;
  });
}

export function passageText(index: number): string {
  const topic = TOPICS[index % TOPICS.length]!;
  return `Staff who use ${topic} tell the rota lead by noon. It counts from the ${1 + (index % 9)}. month on and is written into the green book. Nobody needs a second signature for less than three days.`;
}

export const SETTINGS: AdapterSettings = {
  mode: "recommended",
  adapter: { kind: "linear", features: 384, bias: false },
  seed: 0,
};

function curveOf(steps: number): TrainingStep[] {
  const random = numbers(3);
  return Array.from({ length: steps }, (_, index) => ({
    phase: "final" as const,
    step: index + 1,
    totalSteps: 300,
    epoch: index / 30,
    loss: 0.4 + 2.1 * Math.exp(-index / 60) + (random() - 0.5) * 0.35,
    learningRate: 0.003 * (1 - index / 320),
    gradientNorm: 0.3 + random() * 0.3,
  }));
}

export function runView(state: RunState, done: number, verdict?: Verdict): RunView {
  const ended = state === "finished" || state === "stopped";
  return {
    id: "r1",
    projectId: "p1",
    number: 1,
    state,
    recipe: { task: "adapter", settings: SETTINGS },
    tokensPerSecond: null,
    strengths: [],
    imported: false,
    startedAt: Date.UTC(2026, 10, 21, 10),
    seconds: done / 20,
    ...(verdict && ended
      ? { verdict, mrrDelta: { better: 0.081, worse: -0.064, "cannot-tell": 0.012 }[verdict] }
      : {}),
    stage: ended ? "done" : done < 60 ? "searching" : "training",
    progress: { done, total: 300, etaSeconds: state === "running" ? (300 - done) / 20 : null },
    curve: curveOf(done),
    validation: Array.from({ length: Math.floor(done / 20) }, (_, index) => ({
      step: (index + 1) * 20,
      mrr: 0.52 + 0.12 * (1 - Math.exp(-index / 4)),
    })),
    probes: TOPICS.slice(0, 3).map((topic, index) => ({
      text: `How do I book ${topic}?`,
      before: [9, 3, null][index]!,
      now: done === 0 ? [9, 3, null][index]! : [2, 3, 14][index]!,
    })),
    ...(ended ? { chosen: { learningRate: 0.003, scale: 20, alpha: 0.7, epochs: 10 } } : {}),
    backend: "CPU, WASM SIMD, 2 threads",
    bufferBytes: 3_407_872,
    checkpointAge: done > 0 ? 6 : null,
    ownedElsewhere: false,
    notes: [],
  };
}

export const ENVIRONMENT: EnvironmentView = {
  page: "sealed",
  seal: "browser",
  backend: {
    choice: "auto",
    active: "cpu",
    label: "CPU, WASM SIMD, 2 threads",
    reason: "The GPU is a software one.",
  },
  gpu: { available: true, software: true, name: "SwiftShader" },
  isolated: true,
  threads: 2,
  requestsSent: 0,
  offlineReady: true,
  defaultModel: "ready",
};

export function sampleQuestions(): QuestionView[] {
  return questionTexts(388).map((text, index) => ({
    id: `q${index}`,
    text,
    passageId: `p${index % 40}`,
    document: "02-leave.md",
    source: index % 3 === 0 ? "02-leave.md" : "questions.json",
    split: index < 240 ? "train" : "test",
    state: index % 17 === 5 ? "rejected" : index % 33 === 9 ? "review" : "accepted",
    made: index % 3 === 0 ? "rule: definition" : "imported",
    flags: index % 33 === 9 || index % 17 === 2 ? [FLAGS[index % FLAGS.length]!] : [],
  }));
}

export const SAMPLE: ProjectView = {
  id: "p1",
  name: "Sample handbook",
  sample: true,
  createdAt: Date.UTC(2026, 10, 20),
  passages: 132,
  questions: 388,
  runs: 0,
  sources: Array.from({ length: 6 }, (_, index) => ({
    id: `s${index}`,
    name: `0${index + 1}-${["welcome", "leave", "rota", "tickets", "kitchen", "safety"][index]!}.md`,
    format: "Markdown",
    bytes: 9_000 + index * 1234,
    passages: 22,
    questions: 64,
    role: "split",
  })),
  chunking: { maxTokens: 200, overlapTokens: 20 },
  split: {
    train: { documents: 8, passages: 84, questions: 240 },
    test: { documents: 4, passages: 48, questions: 148 },
  },
  encoderId: "bge",
  vectors: { cached: 520, needed: 520 },
};

export function jobOf(run: RunView): JobView {
  const states = { running: "running", paused: "paused", finished: "finished", failed: "failed" } as const;
  return {
    id: "j1",
    kind: "train",
    projectId: "p1",
    runId: run.id,
    state: run.state in states ? states[run.state as keyof typeof states] : "finished",
    label: "Run 1",
    done: run.progress.done,
    total: run.progress.total,
    etaSeconds: run.progress.etaSeconds,
  };
}
