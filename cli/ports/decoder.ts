import { open, readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { openDecoder } from "../../src/domain/formats/decoder-folder.ts";
import type { ByteSource } from "../../src/domain/formats/safetensors.ts";
import type { DecoderModel } from "../../src/domain/models/decoder-model.ts";
import { exists } from "./files.ts";
import { modelFolder } from "./models.ts";

const WANTED = /\.(json|jinja|safetensors)$/;

/** A decoder by a known name or its folder, relative to `beside`; weights are read tensor by tensor as they are needed. */
export async function openDiskDecoder(root: string, model: string, beside: string): Promise<DecoderModel> {
  const folder = await decoderFolder(root, model, beside);
  const files = new Map<string, ByteSource>();
  for (const name of await readdir(folder)) {
    if (WANTED.test(name)) files.set(name, await fileSource(join(folder, name)));
  }
  return openDecoder(files, { name: folder.split("/").filter(Boolean).at(-1)!, folder });
}

/** Weights may lie in several files, which no encoder's do. */
async function decoderFolder(root: string, model: string, beside: string): Promise<string> {
  const folder = resolve(beside, model);
  if (await exists(join(folder, "model.safetensors.index.json"))) return folder;
  return modelFolder(root, model, beside);
}

async function fileSource(file: string): Promise<ByteSource> {
  const { size } = await stat(file);
  return {
    size,
    async read(from, to) {
      const handle = await open(file);
      try {
        const bytes = new Uint8Array(Math.max(0, Math.min(to, size) - from));
        await handle.read(bytes, 0, bytes.length, from);
        return bytes;
      } finally {
        await handle.close();
      }
    },
  };
}
