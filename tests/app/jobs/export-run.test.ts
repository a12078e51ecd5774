import { describe, expect, test } from "vitest";
import { exportRun } from "../../../src/app/jobs/export-run.ts";
import { newRun } from "../../../src/app/jobs/new-run.ts";
import { EQUAL_WEIGHTS, fusionOf } from "../../../src/domain/eval/fusion.ts";
import { openZip } from "../../../src/domain/formats/zip.ts";
import type { AdapterConfig } from "../../../src/domain/models/adapter-config.ts";
import { initialWeights } from "../../../src/domain/models/adapter-weights.ts";

const twoLayer = (activation: "relu" | "gelu" | "identity"): AdapterConfig => ({
  ...{ kind: "two-layer", features: 4, hiddenFeatures: 3, bias: true, residual: true },
  activation,
});

/** What the page hands over of an adapter: the export's own words and its README. */
function exported(config: AdapterConfig): { readonly verified: string; readonly readme: string } {
  const fusion = fusionOf(EQUAL_WEIGHTS);
  const kept = {
    ...{ config, weights: initialWeights(config, 0), chosen: null, losses: [], notes: [] },
    fusion: { base: fusion, tuned: fusion },
  };
  const settings = { mode: "compatible", adapter: config, seed: 0 } as const;
  const run = { ...newRun("project", "encoder", { task: "adapter", settings }, "hash"), number: 1 };
  const { bytes, verified } = exportRun({ run, kept, report: null, model: "m" }, "llamaindex");
  const archive = openZip(new Uint8Array(bytes));
  const readme = new TextDecoder().decode(archive.extract(archive.entries.get("README.md")!));
  return { verified, readme };
}

describe("the folder for LlamaIndex", () => {
  test.each(["gelu", "identity"] as const)("says that its own class has no %s", (activation) => {
    const { verified, readme } = exported(twoLayer(activation));
    const obstacle = `LlamaIndex's own TwoLayerNN cannot load this adapter, it has no "${activation}"`;
    expect(verified).toContain(`${obstacle}; README.md has code that does`);
    expect(readme).toContain(`${obstacle}; this code does:`);
    expect(readme).not.toContain("AdapterEmbeddingModel(");
    expect(readme).toContain(`"${activation}": nn.`);
  });

  test("names LlamaIndex's class where it has one", () => {
    const { verified, readme } = exported(twoLayer("relu"));
    expect(verified).toMatch(/bit for bit$/);
    expect(readme).not.toContain("cannot load");
    expect(readme).toContain('AdapterEmbeddingModel(base, "llamaindex", TwoLayerNN)');
  });
});
