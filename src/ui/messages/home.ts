import type { ProjectSummary } from "../../app/studio-data.ts";
import type { RunSummary } from "../../app/studio-training.ts";
import { difference, plural } from "../format.ts";

export const home = {
  title: "Make search understand your documents.",
  lead: "Tune an embedding model's search on your own questions and read, with a confidence interval, whether it got better. It runs in this tab, offline; nothing you open leaves this device.",
  start: "Start",
  sampleTitle: "See it work",
  sampleText:
    "A fictional company's handbook, full of in-house words, with questions people would ask. Trains, judges and shows the verdict in about a minute.",
  sample: "Try the sample",
  sampleAgain: "Open the sample's results",
  sampleStarting: "Starting…",
  importTitle: "Your documents",
  importText:
    "PDF, Word, Markdown, HTML, source code, tables or whole folders, or a dataset with questions. They stay in this browser.",
  importAction: "Import documents",
  importName: "Name of the project",
  importDefault: "My documents",
  create: "Create the project",
  openTitle: "A project file",
  openText: "Continue from a .zip that Retune exported, on this device or another.",
  openAction: "Open project .zip",

  running: "Now running",
  interrupted: (run: RunSummary, name: string): string =>
    run.state === "paused"
      ? `${name}: run ${run.number} is paused.`
      : `${name}: run ${run.number} stopped when the page closed.`,
  interruptedHint: "It continues from its last checkpoint to the very same weights.",
  resume: "Resume",
  look: "Look at it",

  noGpu: "No hardware GPU here, so Retune works in CPU mode. That is enough for everything on these screens.",
  modelMissing:
    "The default embedding model is not installed on this site. The sample works without it (its vectors are shipped); for your own documents choose a model folder under Data.",

  recent: "Projects",
  recentEmpty: "No projects yet. The sample becomes the first one.",
  project: "Project",
  content: "Content",
  best: "Best result",
  actions: "Actions",
  counts: (project: ProjectSummary): string =>
    `${plural(project.passages, "passage", "passages")}, ${plural(project.questions, "question", "questions")}, ${plural(project.runs, "run", "runs")}`,
  bestOf: (project: ProjectSummary): string => {
    if (!project.best) return "no result yet";
    if (project.best.verdict === "cannot-tell") return "no reliable change";
    return `${difference(project.best.mrrDelta)} MRR@10, ${project.best.verdict}`;
  },
  exportZip: "Export .zip",
  renameTitle: "Rename the project",
  name: "Name",
  removeTitle: (name: string): string => `Remove “${name}”?`,
  removeText:
    "Its documents, questions and runs are deleted from this browser. An exported .zip is not touched.",
} as const;
