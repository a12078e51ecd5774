// A router as files:
//   router.json            kind, choices with the text that is read of each, calibration, which encoder's vectors
//   router.safetensors     "choices" [C, D] (embedding routers), "head.weight" [C, D] and "head.bias" [C] (softmax)
//   adapter/               LlamaIndex's folder of the query adapter
//   encoder/               sentence-transformers' folder of the tuned encoder
//   cross-encoder/         sentence-transformers' folder of the tuned cross-encoder
//   llamaindex_router.py   how LlamaIndex's selectors use it
//   router_probability.py  how sure it is
import { choiceText, type RouterChoice } from "../data/router-dataset.ts";
import type { Calibration } from "../eval/calibration.ts";
import type { Matrix } from "../matrix.ts";
import type { TrainedRouter } from "../recipes/router/router-job.ts";
import { readAdapterFolder, writeAdapterFolder, type FolderFiles } from "./adapter-folder.ts";
import { readCrossEncoderFolder, writeCrossEncoderFolder } from "./cross-encoder-folder.ts";
import { FolderReader, jsonFile, utf8 } from "./folder-reader.ts";
import type { JsonFields } from "./json-fields.ts";
import { parseJson } from "./json.ts";
import { routerSnippets } from "./router-snippets.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import {
  readSentenceTransformersFolder,
  writeSentenceTransformersFolder,
} from "./sentence-transformers-folder.ts";

const FORMAT = "retune-router";
const JSON_FILE = "router.json";
const TENSORS = "router.safetensors";

/** What routes a question: the parts of a TrainedRouter that a folder holds. */
export type StoredRouter =
  | Omit<Extract<TrainedRouter, { kind: "adapter" }>, keyof RunRecord>
  | Omit<Extract<TrainedRouter, { kind: "encoder" }>, keyof RunRecord>
  | Omit<Extract<TrainedRouter, { kind: "cross-encoder" }>, keyof RunRecord>
  | Omit<Extract<TrainedRouter, { kind: "softmax" }>, keyof RunRecord>;

/** Of the run's record, not of the router. */
type RunRecord = Pick<TrainedRouter, "baseCalibration" | "losses" | "heldOut" | "epochs" | "notes">;

/** All files of a router by relative path. */
export function writeRouterFolder(router: StoredRouter): Map<string, Uint8Array> {
  const files = new Map([
    [JSON_FILE, jsonFile(routerJson(router))],
    ...Array.from(routerSnippets(router.kind), ([name, text]) => [name, utf8(text)] as const),
  ]);
  const tensors = tensorsOf(router);
  if (tensors.size > 0) files.set(TENSORS, writeSafetensors(tensors, new Map([["format", "pt"]])));
  for (const [path, bytes] of partOf(router)) files.set(path, bytes);
  return files;
}

function routerJson(router: StoredRouter): object {
  const { kind, choices, calibration, encoderName, queryInstruction } = router;
  const documentInstruction = router.kind === "encoder" ? router.model.prompts.document : "";
  return {
    format: FORMAT,
    version: 1,
    kind,
    encoder: { name: encoderName, queryInstruction, documentInstruction },
    choices: choices.map((choice) => ({ ...choice, text: choiceText(choice) })),
    calibration,
  };
}

function tensorsOf(router: StoredRouter): Map<string, { shape: readonly number[]; values: Float32Array }> {
  const matrix = ({ rows, columns, values }: Matrix) => ({ shape: [rows, columns], values });
  if (router.kind === "cross-encoder") return new Map();
  if (router.kind !== "softmax") return new Map([["choices", matrix(router.choiceVectors)]]);
  return new Map([
    ["head.weight", matrix(router.weight)],
    ["head.bias", { shape: [router.bias.length], values: router.bias }],
  ]);
}

function partOf(router: StoredRouter): Map<string, Uint8Array> {
  const below = (folder: string, files: FolderFiles): Map<string, Uint8Array> =>
    new Map(Array.from(files, ([path, bytes]) => [`${folder}/${path}`, bytes]));
  if (router.kind === "adapter") return below("adapter", writeAdapterFolder(router));
  if (router.kind === "encoder") return below("encoder", writeSentenceTransformersFolder(router.model));
  if (router.kind === "softmax") return new Map();
  return below("cross-encoder", writeCrossEncoderFolder(router.model));
}

/**
 * Reads a folder that `writeRouterFolder` wrote. Errors: E_UNKNOWN_FORMAT for another router.json, E_VERSION for a newer
 * one, E_FIELD for a missing file or field, E_MISMATCH where tensors do not fit the choices, and those of the parts.
 */
export function readRouterFolder(files: FolderFiles, folder?: string): StoredRouter {
  const reader = new FolderReader(files, folder);
  const json = reader.fields(JSON_FILE);
  if (json.text("format", "") !== FORMAT) {
    throw reader.refusal("E_UNKNOWN_FORMAT", JSON_FILE, `format is not "${FORMAT}"`);
  }
  if (json.number("version") !== 1) {
    throw json.error(
      "version",
      `version ${json.number("version")} is newer than this program; update it`,
      "E_VERSION",
    );
  }
  const encoder = required(json, "encoder");
  const parts = {
    choices: readChoices(reader),
    calibration: readCalibration(required(json, "calibration")),
    encoderName: encoder.text("name", ""),
    queryInstruction: encoder.text("queryInstruction", ""),
  };
  const kind = json.text("kind");
  const own = part(files, kind);
  const shown = reader.shown(kind);
  if (kind === "cross-encoder") {
    return { kind, ...parts, model: readCrossEncoderFolder(own, parts.encoderName, shown) };
  }
  const matrix = matrixReader(reader, parts.choices.length);
  if (kind === "adapter") {
    return { kind, ...parts, ...readAdapterFolder(own, shown), choiceVectors: matrix("choices") };
  }
  if (kind === "encoder") {
    const { model } = readSentenceTransformersFolder(own, parts.encoderName, shown);
    return { kind, ...parts, model, choiceVectors: matrix("choices") };
  }
  if (kind !== "softmax") throw json.error("kind", `kind ${JSON.stringify(kind)} is not known`);
  return { kind, ...parts, weight: matrix("head.weight"), bias: matrix("head.bias").values };
}

function required(json: JsonFields, key: string): JsonFields {
  const found = json.fields(key);
  if (found) return found;
  throw json.error(undefined, `${key} is missing`);
}

function part(files: FolderFiles, name: string): FolderFiles {
  const start = `${name}/`;
  const own = [...files].filter(([path]) => path.startsWith(start));
  return new Map(own.map(([path, bytes]) => [path.slice(start.length), bytes]));
}

/** Ids are unique, as readers of router data promise. */
function readChoices(reader: FolderReader): readonly RouterChoice[] {
  const file = reader.shown(JSON_FILE);
  const { root } = parseJson(reader.text(JSON_FILE), file);
  const list = root.kind === "object" ? root.entries.get("choices") : undefined;
  const items = list?.kind === "array" ? list.items : [];
  const choices = items.map((item): RouterChoice => {
    const text = (key: string): string => {
      const node = item.kind === "object" ? item.entries.get(key) : undefined;
      if (node?.kind === "string") return node.value;
      throw reader
        .fields(JSON_FILE)
        .error("choices", `every choice needs the texts id, name and description`);
    };
    return { id: text("id"), name: text("name"), description: text("description") };
  });
  const unique = new Set(choices.map(({ id }) => id)).size === choices.length;
  if (choices.length > 0 && unique) return choices;
  throw reader.fields(JSON_FILE).error("choices", "choices must be a list with unique ids");
}

function readCalibration(json: JsonFields): Calibration {
  const signal = json.text("signal");
  if (signal !== "top" && signal !== "margin") throw json.error("signal", 'signal must be "top" or "margin"');
  const precision = required(json, "precision");
  return {
    signal,
    a: json.number("a"),
    b: json.number("b"),
    threshold: json.number("threshold"),
    precision: {
      value: precision.number("value"),
      low: precision.number("low"),
      high: precision.number("high"),
      target: precision.number("target"),
    },
    reached: json.flag("reached"),
    accepted: json.number("accepted"),
    ece: json.number("ece"),
    examples: json.number("examples"),
  };
}

/** A tensor [choices, …] of router.safetensors. */
function matrixReader(reader: FolderReader, choices: number): (name: string) => Matrix {
  const { tensors } = readSafetensors(reader.bytes(TENSORS), reader.shown(TENSORS));
  return (name) => {
    const found = tensors.get(name);
    if (found?.shape[0] === choices) {
      return { rows: choices, columns: found.shape[1] ?? 1, values: found.values };
    }
    const got = found ? `is [${found.shape.join(", ")}]` : "is missing";
    throw reader.refusal("E_MISMATCH", TENSORS, `"${name}" ${got}; router.json names ${choices} choices`);
  };
}
