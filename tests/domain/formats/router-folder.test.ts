import { describe, expect, test } from "vitest";
import type { Calibration } from "../../../src/domain/eval/calibration.ts";
import {
  readRouterFolder,
  writeRouterFolder,
  type StoredRouter,
} from "../../../src/domain/formats/router-folder.ts";
import { routerSnippets } from "../../../src/domain/formats/router-snippets.ts";
import { initialWeights } from "../../../src/domain/models/adapter-weights.ts";
import { refusal } from "./refusal.ts";

const calibration: Calibration = {
  signal: "margin",
  a: 3.5,
  b: -0.25,
  threshold: 0.7,
  precision: { value: 0.92, low: 0.8, high: 0.97, target: 0.9 },
  reached: true,
  accepted: 0.6,
  ece: 0.05,
  examples: 120,
};
const parts = {
  choices: [
    { id: "a", name: "First", description: "the first of both" },
    { id: "b", name: "Second", description: "" },
  ],
  calibration,
  encoderName: "bge-small-en-v1.5",
  queryInstruction: "Search: ",
};
const vectors = { rows: 2, columns: 4, values: Float32Array.from([1, 0, 0.5, 0, 0, 1, 0, -0.25]) };
const config = { kind: "linear", features: 4, bias: false } as const;
const routers: readonly StoredRouter[] = [
  { kind: "softmax", ...parts, weight: vectors, bias: Float32Array.of(0.5, -1) },
  { kind: "adapter", ...parts, config, weights: initialWeights(config, 0), choiceVectors: vectors },
];

test.each(routers)("a $kind router read back is the one that was written", (router) => {
  expect(readRouterFolder(writeRouterFolder(router))).toEqual(router);
});

test("the folder says what is read of each choice and brings a selector along", () => {
  const files = writeRouterFolder(routers[1]!);
  expect([...files.keys()]).toEqual([
    "router.json",
    "llamaindex_router.py",
    "router_probability.py",
    "router.safetensors",
    "adapter/config.json",
    "adapter/pytorch_model.bin",
  ]);
  const json = JSON.parse(new TextDecoder().decode(files.get("router.json"))) as { choices: unknown[] };
  expect(json.choices[1]).toEqual({ id: "b", name: "Second", description: "", text: "Second" });
  expect(new TextDecoder().decode(files.get("llamaindex_router.py"))).toMatch(/EmbeddingSingleSelector/);
});

test.each(["adapter", "encoder", "softmax", "cross-encoder"] as const)(
  "the selector of a router of kind %s is at most twenty lines",
  (kind) => {
    const snippets = routerSnippets(kind);
    const lines = snippets.get("llamaindex_router.py")!.split("\n");
    expect(lines.filter((line) => line.trim() !== "").length).toBeLessThanOrEqual(20);
    expect(snippets.get("router_probability.py")).toContain("def probability(scores)");
  },
);

describe("a damaged folder is refused", () => {
  const changed = (change: (json: Record<string, unknown>) => unknown): Map<string, Uint8Array> => {
    const files = writeRouterFolder(routers[0]!);
    const json = JSON.parse(new TextDecoder().decode(files.get("router.json"))) as Record<string, unknown>;
    change(json);
    return files.set("router.json", new TextEncoder().encode(JSON.stringify(json)));
  };
  test.each([
    [
      "another format",
      "E_UNKNOWN_FORMAT",
      (json: Record<string, unknown>): unknown => (json["format"] = "other"),
    ],
    ["a newer version", "E_VERSION", (json: Record<string, unknown>): unknown => (json["version"] = 2)],
    ["an unknown kind", "E_FIELD", (json: Record<string, unknown>): unknown => (json["kind"] = "magic")],
    ["no calibration", "E_FIELD", (json: Record<string, unknown>) => delete json["calibration"]],
    [
      "choices of one id",
      "E_FIELD",
      (json: Record<string, unknown>) => (json["choices"] = [parts.choices[0], parts.choices[0]]),
    ],
    [
      "fewer choices than weights",
      "E_MISMATCH",
      (json: Record<string, unknown>) => (json["choices"] = [parts.choices[0]]),
    ],
  ] as const)("%s", (_name, code, change) => {
    refusal(() => readRouterFolder(changed(change), "mine"), code, "mine/");
  });

  test("no weights", () => {
    const files = writeRouterFolder(routers[0]!);
    files.delete("router.safetensors");
    refusal(() => readRouterFolder(files, "mine"), "E_FIELD", "router.safetensors");
  });
});
