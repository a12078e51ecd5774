import { RetuneError } from "../../engine/errors.ts";

/** A model folder, wherever it lies: on this site, in the browser's private file system, on disk. */
export interface ModelFiles {
  readonly name: string; // of the model, "bge-small-en-v1.5"
  /** The bytes of a file, by its path in the folder; undefined where there is none. */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** A folder served under `base` (ends with "/"). */
export function servedModelFiles(name: string, base: string): ModelFiles {
  return {
    name,
    async read(path) {
      let response: Response;
      try {
        response = await fetch(new URL(path, base));
      } catch (error) {
        const text = `${name}: ${path} could not be fetched. Offline, a model must have been loaded once before.`;
        throw new RetuneError("model-missing", text, { file: path }, { cause: error });
      }
      if (!response.ok || response.headers.get("content-type")?.includes("text/html")) return undefined;
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}

/** Files held in memory: a folder the person just picked, or a test's. */
export function memoryModelFiles(
  name: string,
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
): ModelFiles {
  return { name, read: (path) => Promise.resolve(files.get(path)) };
}

/** The bytes of a file that must be there; throws "model-missing" with the next move. */
export async function requiredFile(files: ModelFiles, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await files.read(path);
  if (bytes) return bytes;
  const text =
    `The model ${files.name} lacks ${path}. Fetch it (npm start does, for the default model) ` +
    "or choose a folder that has it under Models.";
  throw new RetuneError("model-missing", text, { file: path });
}

/** A JSON file of the folder as an object, {} where there is none; E_JSON where it is no JSON object. */
export async function readSettings(files: ModelFiles, path: string): Promise<Record<string, unknown>> {
  const bytes = await files.read(path);
  return bytes ? parseSettings(bytes, path) : {};
}

export function parseSettings(bytes: Uint8Array, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch (error) {
    throw new RetuneError(
      "E_JSON",
      `${path} is not JSON: ${String(error)}`,
      { file: path },
      { cause: error },
    );
  }
  throw new RetuneError("E_JSON", `${path} holds no object.`, { file: path });
}
