import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { unzipSync } from "fflate";
import type { BrowserContext, Download, Page } from "playwright-core";

/** Where `secret` stands in what the page keeps: its databases, private files, caches, and both key–value stores. */
export function placesWith(page: Page, secret: string): Promise<string[]> {
  return page.evaluate(async (needle) => {
    const found: string[] = [];
    const look = (place: string, text: string): void => {
      if (text.includes(needle)) found.push(place);
    };
    const answer = <Value>(request: IDBRequest<Value>): Promise<Value> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error!);
      });
    const textOf = (value: unknown): string =>
      JSON.stringify(value, (_, part: unknown) => {
        if (!ArrayBuffer.isView(part)) return part;
        return new TextDecoder("latin1").decode(
          new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
        );
      }) ?? "";
    for (const { name } of await indexedDB.databases()) {
      const database = await answer(indexedDB.open(name!));
      for (const store of database.objectStoreNames) {
        const from = database.transaction(store).objectStore(store);
        const [keys, values] = await Promise.all([answer(from.getAllKeys()), answer(from.getAll())]);
        values.forEach((value, row) =>
          look(`${store} ${textOf(keys[row])}`, textOf(keys[row]) + textOf(value)),
        );
      }
      database.close();
    }
    const walk = async (folder: FileSystemDirectoryHandle, path: string): Promise<void> => {
      for await (const [name, handle] of folder.entries()) {
        if (handle.kind === "directory") await walk(handle as FileSystemDirectoryHandle, `${path}/${name}`);
        else
          look(`${path}/${name}`, name + (await (await (handle as FileSystemFileHandle).getFile()).text()));
      }
    };
    await walk(await navigator.storage.getDirectory(), "private files");
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        look(`cache ${request.url}`, request.url + (await (await cache.match(request))!.text()));
      }
    }
    look("localStorage", JSON.stringify(localStorage));
    look("sessionStorage", JSON.stringify(sessionStorage));
    look("address", location.href);
    return found;
  }, secret);
}

/** Where `secret` stands in the browser's own files of a closed profile. */
export function profileFilesWith(folder: string, secret: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => {
    const path = join(folder, name);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
    const bytes = readFileSync(path);
    return bytes.includes(secret) || bytes.includes(Buffer.from(secret, "utf16le"));
  });
}

/** The text of every file in a download, unpacked where it is a zip. */
export async function textsOf(download: Download): Promise<Record<string, string>> {
  const bytes = readFileSync(await download.path());
  const name = download.suggestedFilename();
  if (!name.endsWith(".zip")) return { [name]: bytes.toString("latin1") };
  const entries = Object.entries(unzipSync(bytes));
  return Object.fromEntries(entries.map(([path, part]) => [path, Buffer.from(part).toString("latin1")]));
}

/** Everything the pages of a context print, kept as it comes. */
export function keepConsole(context: BrowserContext): string[] {
  const lines: string[] = [];
  context.on("console", (message) => lines.push(message.text()));
  context.on("weberror", (error) => lines.push(String(error.error().stack)));
  return lines;
}
