import { expect, test } from "vitest";
import { blobSource } from "../../../src/app/encoders/decoder-source.ts";
import type { ModelFolders } from "../../../src/app/encoders/folder-store.ts";
import { keepDecoder, type KeepControl, type KeptAs } from "../../../src/app/encoders/keep-decoder.ts";
import { STORED_DECODER } from "../../../src/domain/formats/stored-decoder.ts";
import { writeSafetensors } from "../../../src/domain/formats/safetensors.ts";
import type { TensorData } from "../../../src/domain/matrix.ts";
import { llamaConfigOf } from "../../../src/domain/models/llama/config.ts";
import { llamaShapes } from "../../../src/domain/models/llama/names.ts";
import { openDecoderFolder } from "../../../src/domain/models/weights/llama-weights.ts";
import { elementCount } from "../../../src/engine/graph.ts";
import { decoded, stored } from "../../../src/engine/stored.ts";
import { randomValues } from "../../engine/fixtures.ts";

const RAW = {
  ...{ model_type: "llama", vocab_size: 50, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1 },
  ...{ num_attention_heads: 2, num_key_value_heads: 1, tie_word_embeddings: true },
};
const UP = "model.layers.0.mlp.up_proj.weight";

function pickedFiles(): { readonly files: Map<string, Blob>; readonly tensors: Map<string, TensorData> } {
  const tensors = new Map(
    [...llamaShapes(llamaConfigOf(RAW))].map(([name, shape], i): [string, TensorData] => [
      name,
      { shape, values: randomValues(elementCount(shape), i + 1) },
    ]),
  );
  const weights = writeSafetensors(tensors) as Uint8Array<ArrayBuffer>;
  const files = new Map([
    ["config.json", new Blob([JSON.stringify(RAW)])],
    ["tokenizer.json", new Blob(["{}"])],
    ["model.safetensors", new Blob([weights])],
  ]);
  return { files, tensors };
}

/** Folders in memory; `spoil` changes what a written file holds. */
function folders(spoil: (blob: Blob) => Blob = (blob) => blob) {
  const kept = new Map<string, Map<string, Blob>>();
  const store: ModelFolders = {
    open: (_id, name) => ({ name, read: () => Promise.resolve(undefined) }),
    blob: (id, path) => Promise.resolve(kept.get(id)?.get(path)),
    keep: async (id, files) => void kept.set(id, new Map(files)),
    async write(id, path, pieces) {
      const parts: Uint8Array<ArrayBuffer>[] = [];
      for await (const piece of pieces) parts.push(piece.slice());
      kept.get(id)!.set(path, spoil(new Blob(parts)));
    },
    remove: async (id) => void kept.delete(id),
  };
  return { kept, store };
}

async function keep(place: ReturnType<typeof folders>, keptAs: KeptAs, control: KeepControl = {}) {
  const { files, tensors } = pickedFiles();
  const sources = new Map([...files].map(([path, blob]) => [path, blobSource(blob)] as const));
  const model = { name: "tiny", weights: await openDecoderFolder(sources) };
  return { tensors, files, result: await keepDecoder(place.store, "a", { model, files }, keptAs, control) };
}

test.each(["f16", "q8", "q4"] as const)(
  "a folder kept in %s has one file of weights that opens as they decode",
  async (kind) => {
    const place = folders();
    const progress: number[] = [];
    const { tensors, result, files } = await keep(place, kind, {
      onProgress: ({ done, total }) => progress.push(done / total),
    });
    const own = place.kept.get("a")!;
    expect([...own.keys()]).toEqual(["config.json", "tokenizer.json", STORED_DECODER]);
    expect(result.paths).toEqual([...own.keys()]);
    expect(result.bytes).toBe([...own.values()].reduce((sum, { size }) => sum + size, 0));
    expect(own.get(STORED_DECODER)!.size).toBeLessThan(0.6 * files.get("model.safetensors")!.size);
    expect(progress.at(-1)).toBe(1);
    const again = await openDecoderFolder(new Map([...own].map(([path, blob]) => [path, blobSource(blob)])));
    const { shape, values } = tensors.get(UP)!;
    expect((await again.tensor(UP)).values).toEqual(decoded(kind, shape, stored(kind, shape, values)));
  },
);

test("a folder may be kept as it came", async () => {
  const place = folders();
  const { files, result } = await keep(place, "files");
  expect(result.paths).toEqual([...files.keys()]);
  expect([...place.kept.get("a")!.values()]).toEqual([...files.values()]);
});

test("weights that come back otherwise, find no room or are not wanted any more leave nothing behind", async () => {
  const short = folders((blob) => blob.slice(0, blob.size - 1));
  await expect(keep(short, "q8")).rejects.toMatchObject({ code: "corrupt" });
  const changed = folders((blob) => new Blob([blob.slice(0, 5000), "x", blob.slice(5001)]));
  await expect(keep(changed, "q8")).rejects.toThrow("came back as they were stored");
  const full = folders();
  await expect(keep(full, "q8", { freeBytes: 1000 })).rejects.toThrow("the browser gives 1 MB more");
  const left = folders();
  const stop = new AbortController();
  const onProgress = (): void => stop.abort();
  await expect(keep(left, "q4", { signal: stop.signal, onProgress })).rejects.toMatchObject({
    code: "cancelled",
  });
  for (const { kept } of [short, changed, full, left]) expect(kept.size).toBe(0);
});
