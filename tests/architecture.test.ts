import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const LAYERS = ["engine", "domain", "app", "ui"]; // each may import itself and what stands to its left
const IMPORT = /(?:from\s+|import\s+|import\()\s*["']([^"']+)["']/g;
const CODE = /\.(ts|svelte|mjs)$/;

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name === "build" || name === "assembly" || name === "node_modules") return [];
    if (statSync(path).isDirectory()) return filesBelow(path);
    return CODE.test(name) ? [path] : [];
  });
}

function importsOf(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)].map((match) => match[1]!);
}

function resolveLocal(file: string, target: string): string {
  return normalize(join(dirname(file), target.replace(/\?.*$/, "")));
}

/** The rule broken by `file` importing `target`, or undefined. */
export function brokenRule(file: string, target: string): string | undefined {
  if (!target.startsWith(".")) return brokenVendorRule(file, target);
  const [root, own] = file.split("/");
  const resolved = resolveLocal(file, target).split("/");
  if (root === "src") return brokenLayerRule(own!, resolved);
  const below = ["workers", "cli"].includes(root!) && resolved[0] === "src" && resolved[1] === "ui";
  return below ? `${root} imports ui` : undefined;
}

function brokenLayerRule(own: string, resolved: string[]): string | undefined {
  if (resolved[0] === "workers" && own === "app") return undefined; // worker entry points are opened by URL
  if (resolved[0] !== "src") return `${own} imports ${resolved.join("/")}, outside src`;
  if (!LAYERS.includes(own)) return undefined; // main.ts wires app to ui
  const target = resolved[1]!;
  if (LAYERS.indexOf(target) > LAYERS.indexOf(own)) return `${own} imports ${target}, a higher layer`;
  if (own === "ui" && target === "engine") return "ui imports engine";
  return undefined;
}

const VENDOR_HOMES: Record<string, string[]> = {
  idb: ["src/app/storage/"],
  "onnxruntime-web": ["src/app/encoders/"],
  "@xenova/transformers": ["src/app/encoders/"],
  "bits-ui": ["src/ui/"],
  uplot: ["src/ui/"],
  svelte: ["src/ui/", "src/main.ts"],
  "pdfjs-dist": ["src/domain/text/"],
  mammoth: ["src/domain/text/"],
  hyparquet: ["src/domain/formats/"],
  "hyparquet-writer": ["src/domain/formats/"],
  "umap-js": ["src/domain/eval/"],
  "@huggingface/jinja": ["src/domain/chat/"],
  "@mlc-ai/web-xgrammar": ["src/domain/generate/"],
  "@sqlite.org/sqlite-wasm": ["src/domain/lab/sql/"],
  "@cfworker/json-schema": ["src/domain/lab/"],
};

function brokenVendorRule(file: string, target: string): string | undefined {
  const vendor = Object.keys(VENDOR_HOMES).find((name) => target === name || target.startsWith(`${name}/`));
  if (!vendor || !file.startsWith("src/")) return undefined;
  const allowed = VENDOR_HOMES[vendor]!.some((home) => file.startsWith(home));
  return allowed ? undefined : `${vendor} enters outside ${VENDOR_HOMES[vendor]!.join(", ")}`;
}

const files = ["src", "workers", "cli"].flatMap(filesBelow);

test.each(files)("%s imports only its own layer or a lower one", (file) => {
  for (const target of importsOf(file))
    expect(brokenRule(file, target), `${file} → ${target}`).toBeUndefined();
});

test("the rule catches planted violations", () => {
  expect(brokenRule("src/engine/graph.ts", "../app/client.ts")).toContain("higher layer");
  expect(brokenRule("src/ui/App.svelte", "../engine/errors.ts")).toBe("ui imports engine");
  expect(brokenRule("src/domain/data/dataset.ts", "idb")).toContain("idb enters");
  expect(brokenRule("workers/train.worker.ts", "../src/ui/App.svelte")).toBe("workers imports ui");
});

test("no file of src takes part in an import cycle", () => {
  const graph = new Map(
    files.map((file) => [
      file,
      importsOf(file)
        .filter((t) => t.startsWith("."))
        .map((t) => resolveLocal(file, t)),
    ]),
  );
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (done.has(file)) return;
    expect(path.includes(file), `cycle: ${[...path, file].join(" → ")}`).toBe(false);
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

test("files keep to their size: 300 lines (400 with a reason in the header), components 150, workers 40", () => {
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    const lines = text.split("\n").length - 1;
    const reasoned = /^(\/\/|\/\*).*(400|one family|one table|long because)/im.test(text.slice(0, 1500));
    const limit = file.endsWith(".svelte") ? 150 : file.startsWith("workers/") ? 40 : reasoned ? 400 : 300;
    expect(lines, file).toBeLessThanOrEqual(limit);
  }
});
