import type { BuiltInState } from "../../app/studio-teachers.ts";
import { bytes, count } from "../format.ts";

const BUILT_IN: Readonly<Record<BuiltInState, string>> = {
  ready: "Built into this browser. It runs on this machine.",
  downloadable: "This browser can fetch one of some gigabytes first; then it runs on this machine.",
  missing: "This browser has none, or does not allow it here.",
};

/** Words about who writes questions. */
export const teachers = {
  legend: "Who writes them",
  builtIn: "The browser's own model",
  builtInStates: BUILT_IN,
  local: "An instruct model run here",
  localHint: "Small instruct models in ONNX format run in this tab by transformers.js. Slow without a GPU.",
  model: "Model",
  option: (name: string, size: number): string => `${name} (${bytes(size)})`,
  noModels: "No instruct model is here yet. Add a folder that holds one.",
  addFolder: "Add a model folder",
  adding: "Trying the model out …",
  remove: "Remove this model",
  hubId: "Or a model of the hub: its id",
  lookUp: "Look it up",
  found: (files: number, size: number): string =>
    `${count(files)} files, ${bytes(size)}. They are fetched once and kept here.`,
  download: "Download",
  prompt: "The prompt",
  promptHint:
    "Sent once for every passage. {context_str} is the passage, {num_questions_per_chunk} the number of questions; write {{ and }} for braces.",
  ownPrompt: "Back to our prompt",
  startLocal: "Write questions with this model",
  startBuiltIn: "Write questions with the browser's model",
};
