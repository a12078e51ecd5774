import { byteSource, openDecoder } from "../../domain/formats/decoder-folder.ts";
import { sha256 } from "../../domain/data/hash.ts";
import type { ByteSource } from "../../domain/formats/safetensors.ts";
import type { DecoderModel } from "../../domain/models/decoder-model.ts";
import { llamaShapes } from "../../domain/models/llama/names.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { LabModelRecord } from "../storage/lab-records.ts";
import type { LabStore } from "../storage/lab-store.ts";
import type { LabModelView, LabPrecision } from "../studio-lab.ts";
import type { ModelFolders } from "./folder-store.ts";
import { keepDecoder, type KeepControl, type KeptAs } from "./keep-decoder.ts";
import { servedModelFiles } from "./model-files.ts";

/** The small decoder of our own that every site serves. */
export const NANO_DECODER = "retune-nano-decoder";

const NANO_PATHS = [
  "config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
  "generation_config.json",
];
const WANTED =
  /^(config|generation_config|tokenizer|tokenizer_config|model\.safetensors\.index)\.json$|^chat_template\.jinja$|^model[\w.-]*\.safetensors$/;
const PRECISIONS: readonly LabPrecision[] = ["f32", "f16", "q8", "q4"];

interface DecoderPlaces {
  readonly site: string;
  readonly lab: LabStore;
  readonly folders: ModelFolders;
}

/** Small language models: the site's own, and folders that the person picked, kept as they came and read tensor by tensor. */
export class DecoderSource {
  private readonly places: DecoderPlaces;
  private nano: Promise<DecoderModel> | undefined;

  constructor(places: DecoderPlaces) {
    this.places = places;
  }

  /** Throws "model-missing" where it is not here any more. */
  async open(id: string): Promise<DecoderModel> {
    if (id === NANO_DECODER) {
      this.nano ??= this.openNano().catch((error: unknown) => {
        this.nano = undefined; // asked again when the site may be there again
        throw error;
      });
      return this.nano;
    }
    const record = (await this.places.lab.models()).find((each) => each.id === id);
    if (!record)
      throw new RetuneError(
        "model-missing",
        "The model this starts from is not in this browser any more. Add the same folder again under Models.",
      );
    const files = new Map<string, ByteSource>();
    for (const path of record.paths) {
      const blob = await this.places.folders.blob(id, path);
      if (blob) files.set(path, blobSource(blob));
    }
    return openDecoder(files, { name: record.name, folder: record.name });
  }

  async list(): Promise<readonly LabModelView[]> {
    const nano = await this.open(NANO_DECODER).catch((error: unknown) => {
      if (error instanceof RetuneError && error.code === "model-missing") return null;
      throw error;
    });
    const kept = (await this.places.lab.models()).map((record) => ({ ...record, precisions: PRECISIONS }));
    return [...(nano ? [viewOf(NANO_DECODER, nano, "site")] : []), ...kept];
  }

  /**
   * Keeps a picked folder once it was opened, as it came or with its weights as they are computed with: nothing stays of one that
   * cannot be read.
   */
  async add(
    files: readonly { readonly name: string; readonly blob: Blob }[],
    keptAs: KeptAs = "files",
    control: KeepControl = {},
    origin: "folder" | "hub" = "folder",
  ): Promise<LabModelView> {
    const { name, kept } = pickedFolder(files);
    const sources = new Map([...kept].map(([path, blob]) => [path, blobSource(blob)] as const));
    const model = await openDecoder(sources, { name, folder: name });
    const id = `decoder-${await fingerprintOf(kept, keptAs)}`;
    const known = await this.list().then((models) => models.find((each) => each.id === id));
    if (known) return known;
    const { precisions: _all, ...view } = viewOf(id, model, origin);
    const { paths, bytes } = await keepDecoder(
      this.places.folders,
      id,
      { model, files: kept },
      keptAs,
      control,
    );
    const record: LabModelRecord = { ...view, bytes, origin, paths };
    await this.places.lab.saveModel(record);
    return { ...record, precisions: PRECISIONS };
  }

  async remove(id: string): Promise<void> {
    await this.places.lab.removeModel(id);
    await this.places.folders.remove(id);
  }

  private async openNano(): Promise<DecoderModel> {
    const served = servedModelFiles(NANO_DECODER, new URL(`models/${NANO_DECODER}/`, this.places.site).href);
    const files = new Map<string, ByteSource>();
    for (const path of NANO_PATHS) {
      const bytes = await served.read(path);
      if (bytes) files.set(path, byteSource(bytes));
    }
    return openDecoder(files, { name: NANO_DECODER, folder: NANO_DECODER });
  }
}

/** A file that is read in parts, so that a model of gigabytes is never in memory. */
export function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    read: async (from, to) => new Uint8Array(await blob.slice(from, to).arrayBuffer()),
  };
}

function viewOf(
  id: string,
  { name, config, files, placeholders }: DecoderModel,
  origin: LabModelView["origin"],
): LabModelView {
  const parameters = [...llamaShapes(config).values()].reduce(
    (sum, shape) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
  const bytes = [...files.values()].reduce((sum, { size }) => sum + size, 0);
  const contextTokens = config.maxPositions;
  return { id, name, origin, parameters, contextTokens, bytes, placeholders, precisions: PRECISIONS };
}

const FINGERPRINTED = 1 << 20; // bytes at either end of a file

/**
 * The same folder, kept the same way, has the same id: runs find their base again when it comes back. Large files are told apart
 * by size and both ends.
 */
async function fingerprintOf(files: ReadonlyMap<string, Blob>, keptAs: KeptAs): Promise<string> {
  const parts = [keptAs as string];
  for (const path of [...files.keys()].sort()) {
    const blob = files.get(path)!;
    for (const end of [blob.slice(0, FINGERPRINTED), blob.slice(-FINGERPRINTED)])
      parts.push(`${path} ${blob.size} ${await sha256(new Uint8Array(await end.arrayBuffer()))}`);
  }
  return (await sha256(parts.join("\n"))).slice(0, 32);
}

/** What a decoder needs of a picked folder, by path inside it. */
function pickedFolder(files: readonly { readonly name: string; readonly blob: Blob }[]): {
  readonly name: string;
  readonly kept: ReadonlyMap<string, Blob>;
} {
  const paths = files.map((file) => file.name.split("/"));
  const [first = []] = paths;
  const name = first.length > 1 ? first[0]! : "model";
  const kept = new Map<string, Blob>();
  for (const [index, path] of paths.entries()) {
    const inside = (path.length > 1 ? path.slice(1) : path).join("/");
    if (WANTED.test(inside)) kept.set(inside, files[index]!.blob);
  }
  return { name, kept };
}
