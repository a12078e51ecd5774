import type { AdapterConfig } from "../models/adapter-config.ts";

/** What a person may fix in an adapter run; an absent value is chosen (recommended) or LlamaIndex's (compatible). */
export interface AdapterSettings {
  readonly mode: "recommended" | "compatible";
  readonly adapter: AdapterConfig;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly learningRate?: number; // peak, after warm-up
  readonly scale?: number; // 1 / temperature
  readonly alpha?: number; // merge: W(α) = (1 − α)·I + α·W
  readonly seed: number;
  readonly queryInstruction?: string;
}

export interface ChosenSettings {
  readonly learningRate: number;
  readonly scale: number;
  readonly alpha: number;
  readonly epochs: number;
}

/** What a run shows while it goes; every event is a point where weights and optimizer agree. */
export interface TrainingStep {
  readonly phase: "search" | "final";
  readonly step: number; // from 1, in the phase
  readonly totalSteps: number;
  readonly epoch: number; // from 0, fractional
  readonly loss: number;
  readonly learningRate: number;
  readonly gradientNorm: number; // before clipping
  readonly validation?: { readonly step: number; readonly mrr: number; readonly best: number };
}
