import { parseJson, plainJson } from "../../domain/formats/json.ts";
import { llamaConfigOf } from "../../domain/models/llama/config.ts";
import { RetuneError } from "../../engine/errors.ts";
import { addressOf, announced, checkModelId, openHub, request } from "./hub-models.ts";
import type { Hub, HubModel, HubOptions } from "./hub-models.ts";

/** The most a decoder's files may weigh: they wait in the browser until they are kept. */
export const MOST_DECODER_BYTES = 3_000_000_000;

const CONFIG = "config.json";
const TOKENIZER = "tokenizer.json";
const WHOLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const ALONG = ["tokenizer_config.json", "chat_template.jinja", "generation_config.json"];

/**
 * Asks the hub what a decoder's folder has: its config, its tokenizer's files and its safetensors, with their sizes. Only config.json
 * and, of weights in several files, their index are fetched; `downloadHubModel` fetches the rest. "usage": no model id. "unsupported":
 * another architecture than Llama, Qwen2 or Qwen3. "model-missing": no such public model, or no safetensors or tokenizer.json.
 * E_TOO_LARGE: over `MOST_DECODER_BYTES`. "network": no answer.
 */
export async function lookUpHubDecoder(id: string, options: HubOptions = {}): Promise<HubModel> {
  checkModelId(id);
  const hub = await openHub(options);
  llamaConfigOf(await objectAt(id, CONFIG, hub), `${id}/${CONFIG}`);
  const whole = await announced(id, WHOLE, hub);
  const weights = whole === undefined ? await shardsOf(id, hub) : [WHOLE];
  const paths = [...new Set([CONFIG, TOKENIZER, ...weights, ...ALONG])];
  const asked = paths.map(async (path) => ({ path, bytes: await announced(id, path, hub) }));
  const files = (await Promise.all(asked)).flatMap(({ path, bytes }) =>
    bytes === undefined ? [] : [{ path, bytes }],
  );
  const lost = [TOKENIZER, ...weights].find((path) => !files.some((file) => file.path === path));
  if (lost !== undefined) throw missing(id, lost);
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (totalBytes <= MOST_DECODER_BYTES) return { id, files, totalBytes };
  const [size, most] = [totalBytes, MOST_DECODER_BYTES].map((bytes) => `${(bytes / 1e6).toFixed(0)} MB`);
  throw new RetuneError(
    "E_TOO_LARGE",
    `${id} has ${size}; at most ${most} are fetched here. Choose a smaller model.`,
  );
}

/** The index and the files that it names. */
async function shardsOf(id: string, hub: Hub): Promise<readonly string[]> {
  if ((await announced(id, INDEX, hub)) === undefined) throw missing(id, WHOLE);
  const map = (await objectAt(id, INDEX, hub))["weight_map"];
  const paths = typeof map === "object" && map !== null ? Object.values(map as Record<string, unknown>) : [];
  const named = paths.filter((path) => typeof path === "string" && /^[\w.-]+\.safetensors$/.test(path));
  if (paths.length > 0 && named.length === paths.length) return [INDEX, ...new Set(named as string[])];
  throw new RetuneError("E_FIELD", `${id}: ${INDEX} names no files of weights. Choose another model.`);
}

async function objectAt(id: string, path: string, hub: Hub): Promise<Record<string, unknown>> {
  const response = await request(addressOf(id, path, hub), { cache: "no-store" });
  if (response.status === 404 || response.status === 401) throw missing(id, path);
  if (!response.ok) {
    const text = `${new URL(hub.env.remoteHost).host} answered ${response.status} for ${id}/${path}`;
    throw new RetuneError("network", `${text}. Try again in a while.`);
  }
  const { root } = parseJson(await response.text(), `${id}/${path}`);
  if (root.kind === "object") return plainJson(root) as Record<string, unknown>;
  throw new RetuneError("E_JSON", `${id}: ${path} holds no object.`, { file: path });
}

function missing(id: string, path: string): RetuneError {
  const text = `The hub has no public ${path} of ${id}. Check the id; a gated model must be downloaded by hand.`;
  return new RetuneError("model-missing", text, { file: path });
}
