import type { ModelFiles } from "./model-files.ts";

/** Where the files of models that a person picked are kept: the browser's private file system. */
export interface ModelFolders {
  open(id: string, name: string): ModelFiles;
  /** A file by reference, to be read in parts; undefined where there is none. */
  blob(id: string, path: string): Promise<Blob | undefined>;
  keep(id: string, files: ReadonlyMap<string, Blob>): Promise<void>;
  /** A file that comes piece by piece: no more than one is in memory. */
  write(id: string, path: string, pieces: AsyncIterable<Uint8Array<ArrayBuffer>>): Promise<void>;
  remove(id: string): Promise<void>;
}

const ROOT = "models";

/** Folders in OPFS. Names in a folder are flattened, so no path can climb out of it. */
export function privateModelFolders(root: () => Promise<FileSystemDirectoryHandle>): ModelFolders {
  const models = async () => (await root()).getDirectoryHandle(ROOT, { create: true });
  const folder = async (id: string): Promise<FileSystemDirectoryHandle> =>
    (await models()).getDirectoryHandle(encodeURIComponent(id), { create: true });
  const blob = async (id: string, path: string): Promise<Blob | undefined> => fileIn(await folder(id), path);
  return {
    blob,
    open: (id, name) => ({
      name,
      async read(path) {
        const found = await blob(id, path);
        return found && new Uint8Array(await found.arrayBuffer());
      },
    }),
    async keep(id, files) {
      const target = await folder(id);
      for (const [path, file] of files) await written(target, path, [file]);
    },
    async write(id, path, pieces) {
      await written(await folder(id), path, pieces);
    },
    async remove(id) {
      await (await models()).removeEntry(encodeURIComponent(id), { recursive: true });
    },
  };
}

async function fileIn(folder: FileSystemDirectoryHandle, path: string): Promise<Blob | undefined> {
  try {
    const handle = await folder.getFileHandle(encodeURIComponent(path));
    return await handle.getFile();
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotFoundError") return undefined;
    throw error;
  }
}

/** A file as a whole or not at all. */
async function written(
  folder: FileSystemDirectoryHandle,
  path: string,
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>> | Iterable<Blob>,
): Promise<void> {
  const handle = await folder.getFileHandle(encodeURIComponent(path), { create: true });
  const writable = await handle.createWritable();
  try {
    for await (const piece of pieces) await writable.write(piece);
  } catch (error) {
    await writable.abort().catch(() => undefined); // what failed first is what is told
    throw error;
  }
  await writable.close();
}
