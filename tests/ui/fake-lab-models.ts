import type { LabModelView } from "../../src/app/studio-lab.ts";

/** The bundled model, and one that was added as a folder. */
export const MODELS: readonly LabModelView[] = [
  {
    id: "retune-nano-decoder",
    name: "retune-nano-decoder",
    origin: "site",
    parameters: 836_736,
    contextTokens: 512,
    bytes: 1_700_000,
    precisions: ["f32", "f16", "q8", "q4"],
    placeholders: true,
  },
  {
    id: "d1",
    name: "SmolLM2-135M-Instruct",
    origin: "folder",
    parameters: 134_515_008,
    contextTokens: 8192,
    bytes: 269_000_000,
    precisions: ["f32", "f16", "q8", "q4"],
    placeholders: false,
  },
];
