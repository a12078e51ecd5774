import { readFileSync } from "node:fs";
import { readAdapterConfig } from "../../../src/domain/formats/adapter-config-json.ts";
import { readCrossEncoderFolder } from "../../../src/domain/formats/cross-encoder-folder.ts";
import { FolderReader } from "../../../src/domain/formats/folder-reader.ts";
import { readFusion, writeFusion } from "../../../src/domain/formats/fusion-json.ts";
import { readLlamaIndexDataset } from "../../../src/domain/formats/llamaindex-dataset.ts";
import { readNpy, writeNpy } from "../../../src/domain/formats/npy.ts";
import { initializerValues, readOnnxGraph } from "../../../src/domain/formats/onnx-initializers.ts";
import { readOnnxDraft, writeOnnxDraft } from "../../../src/domain/formats/onnx/onnx-draft.ts";
import { PARITY_FILE, readParity, writeParity } from "../../../src/domain/formats/parity.ts";
import { readPeftFolder } from "../../../src/domain/formats/peft-folder.ts";
import { readProjectZip, writeProjectZip } from "../../../src/domain/formats/project-zip.ts";
import {
  readQueryAdapterFolder,
  writeQueryAdapterFolder,
} from "../../../src/domain/formats/query-adapter-folder.ts";
import {
  readModules,
  readPooling,
  readSettings,
} from "../../../src/domain/formats/sentence-transformers-config.ts";
import { readSentenceTransformersFolder } from "../../../src/domain/formats/sentence-transformers-folder.ts";
import { readSafetensors, writeSafetensors } from "../../../src/domain/formats/safetensors.ts";
import { readTorchZip } from "../../../src/domain/formats/torch-zip.ts";
import { writeTorchZip } from "../../../src/domain/formats/torch-zip-writer.ts";
import { readVectorsJsonl } from "../../../src/domain/formats/vectors-jsonl.ts";
import { readPickle } from "../../../src/domain/formats/pickle.ts";
import { openZip } from "../../../src/domain/formats/zip.ts";
import { namedInitializers } from "../../../src/domain/models/weights/onnx-names.ts";
import { chunkBlocks } from "../../../src/domain/text/chunk.ts";
import { decodeText } from "../../../src/domain/text/decode.ts";
import { readDocument } from "../../../src/domain/text/documents.ts";
import { DOCUMENT_TARGETS } from "./fuzz-documents.ts";
import { fixtureFolder } from "./folder-files.ts";
import type { FuzzTarget } from "./mutations.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const fixture = (path: string) => new Uint8Array(readFileSync(`tests/fixtures/formats/${path}`));
const matrix = { rows: 3, columns: 4, values: Float32Array.from({ length: 12 }, (_, index) => index / 3) };
const weights = new Map([
  ["linear.weight", { shape: [4, 3], values: matrix.values }],
  ["linear.bias", { shape: [3], values: Float32Array.of(1, 2, 3) }],
]);
const torch = ["adapter-linear", "adapter-half-offset", "adapter-strided"].map((name) =>
  fixture(`${name}/pytorch_model.bin`),
);
const pickles = torch.map((bytes) => {
  const archive = openZip(bytes);
  return archive.extract(archive.entries.get("pytorch_model/data.pkl")!).slice();
});
const NO_WORLD = {
  names: new Set([
    "torch._utils._rebuild_tensor_v2",
    "torch.FloatStorage",
    "torch.HalfStorage",
    "collections.OrderedDict",
  ]),
  call: () => ({ kind: "dict" as const, entries: new Map() }),
  persistent: () => null,
};
/** A protobuf field of bytes, and the small ONNX file of a product: its weight is anonymous, its bias named twice. */
const field = (number: number, bytes: Uint8Array) =>
  Uint8Array.of(8 * number + 2, 0x80 | (bytes.length & 0x7f), bytes.length >> 7, ...bytes);
const tensor = (name: string, shape: readonly number[], values: Float32Array) =>
  field(
    5,
    Uint8Array.of(
      ...shape.flatMap((size) => [8, size]),
      ...[16, 1],
      ...field(8, utf8(name)),
      ...field(9, new Uint8Array(values.buffer)),
    ),
  );
const node = (kind: string, name: string, inputs: readonly string[], output: string) =>
  field(
    1,
    Uint8Array.of(
      ...inputs.flatMap((input) => [...field(1, utf8(input))]),
      ...field(2, utf8(output)),
      ...field(3, utf8(name)),
      ...field(4, utf8(kind)),
    ),
  );
const ONNX = field(
  7,
  Uint8Array.of(
    ...node("MatMul", "/encoder/layer.0/output/dense/MatMul", ["x", "onnx::MatMul_1"], "y"),
    ...node("Identity", "Identity_2", ["embeddings.LayerNorm.bias"], "encoder.layer.0.output.dense.bias"),
    ...tensor("onnx::MatMul_1", [3, 4], matrix.values.slice()),
    ...tensor("embeddings.LayerNorm.bias", [4], Float32Array.of(1, 2, 3, 4)),
  ),
);
const INTEGERS = (() => {
  const json = `{"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},"b":{"dtype":"I32","shape":[1],"data_offsets":[16,20]}}`;
  return Uint8Array.of(json.length, 0, 0, 0, 0, 0, 0, 0, ...utf8(json), ...new Uint8Array(20));
})();

function readOnnx(bytes: Uint8Array): void {
  const graph = readOnnxGraph(bytes, "m.onnx");
  for (const { initializer } of namedInitializers(graph).values()) initializerValues(graph, initializer);
}

const HTML = `<!doctype html><html><head><title>T</title><script>if (a < b) x()</script></head><body><h1>A &amp; B</h1><ul><li>x<li>y</ul><pre>
 code</pre><table><tr><td>1<td>2</table><!-- c --><p title="a>b">text</p></body></html>`;
const MARKDOWN =
  "---\na: b\n---\n# T *x*\n\nSome **bold** [link](u) and `code`.\n\n- item\n  more\n\n```\nfence\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";

/** A reader of a folder with one of its files spoilt. */
function inFolder(name: string, path: string, read: (files: Map<string, Uint8Array>) => unknown): FuzzTarget {
  const files = fixtureFolder(name);
  return {
    name: `${name}/${path}`,
    seeds: [files.get(path)!],
    read: (bytes) => read(new Map([...files, [path, bytes]])),
  };
}
const routed = writeQueryAdapterFolder(readSentenceTransformersFolder(fixtureFolder("st-tiny"), "m").model, {
  config: { kind: "linear", features: 32, bias: false },
  weights: new Map([["linear.weight", { shape: [32, 32], values: new Float32Array(1024) }]]),
});
/** A small ONNX file: a few nodes and tensors of the fixture's. */
function onnxOfNodes(): Uint8Array {
  const draft = readOnnxDraft(fixture("tiny-bert/onnx/model.onnx"));
  const tensors = new Map([...draft.tensors].slice(3, 6));
  return writeOnnxDraft({ ...draft, nodes: draft.nodes.slice(0, 20), tensors });
}

const FOLDERS: readonly FuzzTarget[] = [
  inFolder("st-tiny", "modules.json", (files) => readModules(new FolderReader(files, "m"))),
  inFolder("st-tiny", "1_Pooling/config.json", (files) =>
    readPooling(new FolderReader(files), "1_Pooling", { query: "q: ", document: "" }),
  ),
  inFolder("st-tiny", "config_sentence_transformers.json", (files) =>
    readSettings(new FolderReader(files), ""),
  ),
  inFolder("st-tiny-5x", "sentence_bert_config.json", (files) => readSettings(new FolderReader(files), "")),
  inFolder("cross-encoder-tiny", "config.json", (files) => readCrossEncoderFolder(files, "m")),
  inFolder("peft-tiny", "adapter_config.json", (files) => readPeftFolder(files)),
  inFolder("peft-tiny", "adapter_model.safetensors", (files) => readPeftFolder(files)),
  {
    name: "router_config.json",
    seeds: [routed.get("2_Router/router_config.json")!],
    read: (bytes) =>
      readQueryAdapterFolder(new Map([...routed, ["2_Router/router_config.json", bytes]]), "m"),
  },
  {
    name: "parity file",
    seeds: [
      writeParity({ kind: "logits", logits: new Float32Array(32), maxTokens: 64 }, "onnx").get(PARITY_FILE)!,
    ],
    read: (bytes) => readParity(decodeText(bytes).text, PARITY_FILE),
  },
  { name: "onnx draft", seeds: [onnxOfNodes()], read: (bytes) => readOnnxDraft(bytes, "m.onnx") },
];

/** Every reader of files from outside, with what it should read. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  {
    name: "llamaindex dataset",
    seeds: [fixture("dataset/indented.json"), fixture("dataset/one-line.json")],
    read: (bytes) => readLlamaIndexDataset(bytes, "d.json"),
  },
  { name: "npy", seeds: [writeNpy(matrix)], read: (bytes) => readNpy(bytes, "v.npy") },
  {
    name: "safetensors",
    seeds: [writeSafetensors(weights, new Map([["format", "pt"]])), INTEGERS],
    read: (bytes) => readSafetensors(bytes, "m.safetensors"),
  },
  { name: "onnx", seeds: [ONNX], read: readOnnx },
  {
    name: "torch zip",
    seeds: [...torch, writeTorchZip(weights)],
    read: (bytes) => readTorchZip(bytes, "m.bin"),
  },
  { name: "pickle", seeds: pickles, read: (bytes) => readPickle(bytes, NO_WORLD, "data.pkl") },
  {
    name: "project zip",
    seeds: [
      await writeProjectZip(
        new Map([
          ["a.json", utf8("[1,2,3]".repeat(40))],
          ["b.bin", new Uint8Array(99)],
        ]),
      ),
    ],
    read: (bytes) => readProjectZip(bytes, "p.zip"),
  },
  {
    name: "vectors jsonl",
    seeds: [utf8('{"id": "a", "embedding": [1, 2.5e-3]}\r\n\n{"id": "b", "vector": [-3, 4]}\n')],
    read: (bytes) => readVectorsJsonl(bytes, "v.jsonl", { skipBadRows: true }),
  },
  {
    name: "adapter config",
    seeds: [
      utf8(
        '{"in_features": 4, "hidden_features": 8, "out_features": 4, "bias": true, "activation_fn_str": "relu", "add_residual": true}',
      ),
      utf8(
        '{"kind": "custom", "in_features": 4, "out_features": 4, "layers": [{"out_features": 4, "activation": "gelu", "bias": true}]}',
      ),
    ],
    read: (bytes) => readAdapterConfig(decodeText(bytes).text, "config.json"),
  },
  {
    name: "fusion",
    seeds: [
      utf8(
        writeFusion({
          lexical: { kind: "bm25", k1: 1.2, b: 0.75, tokens: "[a-z0-9]+" },
          normalise: "z-score per query over all passages, population sd",
          weights: { dense: 0.5, lexical: 0.5 },
        }),
      ),
    ],
    read: (bytes) => readFusion(decodeText(bytes).text, "fusion.json"),
  },
  {
    name: "html and chunks",
    seeds: [utf8(HTML)],
    read: async (bytes) => chunkBlocks((await readDocument("a.html", bytes)).blocks, { maxTokens: 9 }),
  },
  {
    name: "markdown and chunks",
    seeds: [utf8(MARKDOWN)],
    read: async (bytes) => chunkBlocks((await readDocument("a.md", bytes)).blocks),
  },
  {
    name: "plain text",
    seeds: [
      utf8("Title\n=====\nOne line.\n\nTWO\n\nThree é ü 😀."),
      Uint8Array.of(0xff, 0xfe, 0x41, 0, 0x42, 0, 0x20, 0, 0x43, 0),
    ],
    read: (bytes) => readDocument("a.txt", bytes),
  },
  ...FOLDERS,
  ...DOCUMENT_TARGETS,
];
