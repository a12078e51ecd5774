import type * as Transformers from "@xenova/transformers";
import type { RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import { MODEL_FILE } from "./encoder-hash.ts";

/** A model on the hub: the files that would be fetched, with the sizes the hub announced. */
export interface HubModel {
  readonly id: string; // "organisation/name"
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly totalBytes: number;
}

export interface HubOptions {
  readonly host?: string; // with its scheme; the hub that transformers.js knows where it is absent
}

/** The most a model may weigh: it is held as a file, as bytes and in wasm's 4 GB at the same time. */
export const MOST_BYTES = 1_500_000_000;

/** What is sought at the hub: weights by transformers.js's name of their precision, and what goes along. */
export interface HubWanted {
  readonly precision: "fp32" | "fp16" | "q8" | "q4";
  readonly weights: string; // the file that holds them
  readonly along: readonly string[]; // files taken where they are
  readonly oneFile: boolean; // weights in files of their own are refused
}

/** An embedding model as onnxruntime and our own encoder read it. */
const ENCODER: HubWanted = {
  precision: "fp32",
  weights: MODEL_FILE.fp32,
  along: ["1_Pooling/config.json", "config_sentence_transformers.json", "sentence_bert_config.json"],
  oneFile: true,
};

const MODEL_ID = /^(?!.*\.\.)\w[\w.-]*(\/\w[\w.-]*)?$/;
export type Hub = Pick<typeof Transformers, "env" | "ModelRegistry">;

/**
 * Asks the hub which files a model has and how large they are; only the first byte of each and config.json are
 * fetched. "usage": no model id. "model-missing": no such public model, or one without the fp32 ONNX export and
 * tokenizer. E_TOO_LARGE: over `MOST_BYTES`. "unsupported": weights outside the .onnx file. "network": no answer.
 */
export async function lookUpHubModel(
  id: string,
  options: HubOptions = {},
  wanted: HubWanted = ENCODER,
): Promise<HubModel> {
  checkModelId(id);
  const hub = await openHub(options);
  const dtype = wanted.precision;
  const model = await fromHub(id, hub, () => hub.ModelRegistry.get_model_files(id, { dtype }));
  if (!model.includes(wanted.weights)) {
    const [what, next] =
      wanted === ENCODER ? ["text encoder", "an embedding model"] : ["generator", "a text-generation model"];
    const text = `${id} is no ${what}: it would load ${model.join(", ")}. Choose ${next}.`;
    throw new RetuneError("model-missing", text);
  }
  const tokenizer = await fromHub(id, hub, () => hub.ModelRegistry.get_tokenizer_files(id));
  const outside = `${wanted.weights}_data`;
  const paths = new Set([...model, "tokenizer.json", ...tokenizer, ...wanted.along, outside]);
  const asked = [...paths].map(async (path) => ({ path, bytes: await announced(id, path, hub) }));
  const files = (await Promise.all(asked)).flatMap(({ path, bytes }) =>
    bytes === undefined ? [] : [{ path, bytes }],
  );
  const found = { id, files, totalBytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
  refuseUnfit(found, wanted);
  return found;
}

/** Throws "usage" for what is no id of a model. */
export function checkModelId(id: string): void {
  if (MODEL_ID.test(id)) return;
  const text = `“${id}” is no model id. It reads organisation/name, as on the model's page.`;
  throw new RetuneError("usage", text);
}

/**
 * Fetches the files of a model that was looked up. E_MISMATCH: other sizes than announced. E_ONNX: a web page or a
 * pointer instead of the model. "network": the hub stopped answering. "cancelled": the signal fired; nothing is kept.
 */
export async function downloadHubModel(
  { id, files, totalBytes }: HubModel,
  { signal, onProgress }: RunControl = {},
  options: HubOptions = {},
): Promise<ReadonlyMap<string, Blob>> {
  const hub = await openHub(options);
  const fetched = new Map<string, Blob>();
  let done = 0;
  for (const { path, bytes } of files) {
    const advance = (read: number): void => {
      done += read;
      onProgress?.({ done, total: totalBytes, label: path });
    };
    const blob = await download(addressOf(id, path, hub), bytes, advance, signal);
    if (path.endsWith(".onnx")) await refusePage(id, path, blob);
    fetched.set(path, blob);
  }
  return fetched;
}

/** transformers.js is fetched with the first look-up: a page that never asks a hub never loads it. */
export async function openHub({ host }: HubOptions): Promise<Hub> {
  const { env, ModelRegistry } = await import("@xenova/transformers");
  env.allowRemoteModels = true;
  env.allowLocalModels = false;
  env.useBrowserCache = false; // the model store keeps what was fetched, once
  env.useWasmCache = false;
  env.fetch = request;
  if (host !== undefined) env.remoteHost = host.endsWith("/") ? host : `${host}/`;
  return { env, ModelRegistry };
}

export async function request(address: string | URL, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { ...init, credentials: "omit", referrerPolicy: "no-referrer" });
  } catch (error) {
    if (init.signal?.aborted)
      throw new RetuneError("cancelled", "The download was cancelled; nothing was kept.");
    const text = `${new URL(address).host} did not answer: ${String(error)}. Check the connection and try again.`;
    throw new RetuneError("network", text, {}, { cause: error });
  }
  if (response.status !== 206 || response.headers.has("content-range")) return response;
  // A host that hides Content-Range leaves only the length of the one byte that was asked for.
  throw new RetuneError(
    "network",
    `${new URL(address).host} does not let this page read how large a file is.`,
  );
}

/** Runs a question of the registry and says in our words why the hub refused it. */
async function fromHub<Answer>(id: string, { env }: Hub, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RetuneError) throw error;
    const { host } = new URL(env.remoteHost);
    const missing = error instanceof Error && error.name === "ModelFileNotFoundError";
    const next = missing
      ? `${host} has no public model ${id} with a config.json. Check the id; a gated model must be downloaded by hand.`
      : `${host} could not tell about ${id}: ${String(error)}`;
    throw new RetuneError(missing ? "model-missing" : "network", next, {}, { cause: error });
  }
}

/** The size of a file of the model, undefined where it has none. */
export async function announced(id: string, path: string, hub: Hub): Promise<number | undefined> {
  const facts = await fromHub(id, hub, () => hub.ModelRegistry.get_file_metadata(id, path));
  if (!facts.exists) return undefined;
  const { size, contentType } = facts as { size?: number; contentType?: string };
  if (contentType?.includes("text/html")) {
    throw new RetuneError("E_ONNX", `${id}: ${path} is a web page, not a file of a model.`, { file: path });
  }
  if (size !== undefined && Number.isFinite(size)) return size;
  throw new RetuneError("network", `${id}: the hub does not say how large ${path} is.`, { file: path });
}

function refuseUnfit({ id, files, totalBytes }: HubModel, { weights, oneFile }: HubWanted): void {
  const outside = files.find(({ path }) => path.includes(".onnx_data"));
  if (outside && oneFile) {
    const text = `${id} keeps its weights outside the model, in ${outside.path}. Only models in one .onnx file run here.`;
    throw new RetuneError("unsupported", text, { file: outside.path });
  }
  for (const path of [weights, "tokenizer.json"]) {
    if (files.some((file) => file.path === path)) continue;
    const text = `${id} has no ${path}. Choose a model with an ONNX export, or pick a model folder instead.`;
    throw new RetuneError("model-missing", text, { file: path });
  }
  if (totalBytes > MOST_BYTES) {
    const text = `${id} has ${megabytes(totalBytes)} MB; at most ${megabytes(MOST_BYTES)} MB run here. Choose a smaller model.`;
    throw new RetuneError("E_TOO_LARGE", text);
  }
}

export function addressOf(id: string, path: string, { env }: Hub): string {
  const folder = env.remotePathTemplate.replace("{model}", id).replace("{revision}", "main");
  return `${env.remoteHost}${folder}${path}`;
}

async function download(
  address: string,
  expected: number,
  advance: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<Blob> {
  const response = await request(address, { cache: "no-store", ...(signal ? { signal } : {}) });
  if (!response.ok || !response.body) {
    throw new RetuneError("network", `${address} answered ${response.status}. Try again in a while.`);
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let read = 0;
  try {
    for (const reader = response.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      read += value.byteLength;
      if (read > expected) await reader.cancel();
      else parts.push(value);
      advance(value.byteLength);
    }
  } catch (error) {
    if (signal?.aborted) throw new RetuneError("cancelled", "The download was cancelled; nothing was kept.");
    const text = `${address} broke off after ${read} of ${expected} bytes. Try again.`;
    throw new RetuneError("network", text, {}, { cause: error });
  }
  if (read === expected) return new Blob(parts);
  const sizes = `${read > expected ? "more than the" : `${read} of the`} ${expected} bytes announced`;
  const text = `${address} sent ${sizes}. Reload the page and look the model up again.`;
  throw new RetuneError("E_MISMATCH", text);
}

/** Some hubs answer a missing or stored-elsewhere file with a page or a pointer of the right length. */
async function refusePage(id: string, path: string, blob: Blob): Promise<void> {
  const start = (await blob.slice(0, 40).text()).trimStart();
  if (!start.startsWith("<") && !start.startsWith("version https://git-lfs")) return;
  const text = `${id}: ${path} is a web page or a pointer, not the model itself. Choose another model.`;
  throw new RetuneError("E_ONNX", text, { file: path });
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
