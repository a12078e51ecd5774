import type { Page } from "playwright-core";

// What the studio has in its database, read past the studio.

export interface StoredRecord {
  readonly key: string; // JSON of the record's key
  readonly value: unknown; // bytes as their SHA-256 in hexadecimal
}

export interface StoredRun {
  readonly state: string;
  readonly notes: readonly string[];
  readonly backend: string;
  readonly losses: readonly number[];
  readonly progress: { readonly done: number; readonly total: number };
  readonly error?: { readonly code: string; readonly message: string };
}

/** All records of a store whose key, or the first part of it, is `key`; without one, all. */
export function storedRecords(page: Page, store: string, key?: string): Promise<readonly StoredRecord[]> {
  return page.evaluate(
    async ({ store, key }) => {
      const answer = <Value>(request: IDBRequest<Value>): Promise<Value> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error!);
        });
      const plain = async (value: unknown): Promise<unknown> => {
        if (ArrayBuffer.isView(value)) {
          const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
          const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
          return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
        }
        if (Array.isArray(value)) return Promise.all(value.map(plain));
        if (typeof value !== "object" || value === null) return value;
        const entries = Object.entries(value).map(async ([name, part]) => [name, await plain(part)] as const);
        return Object.fromEntries(await Promise.all(entries));
      };
      const database = await answer(indexedDB.open("retune"));
      const from = database.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([answer(from.getAllKeys()), answer(from.getAll())]);
      database.close();
      const all = values.map(async (value, index) => ({ key: keys[index], value: await plain(value) }));
      return (await Promise.all(all))
        .filter((record) => key === undefined || [record.key].flat()[0] === key)
        .map((record) => ({ key: JSON.stringify(record.key), value: record.value }));
    },
    { store, key },
  );
}

export async function storedRun(page: Page, runId: string): Promise<StoredRun> {
  const [record] = await storedRecords(page, "runs", runId);
  if (!record) throw new Error(`there is no run ${runId} in the database`);
  return record.value as StoredRun;
}

/** Every tensor a finished run keeps, with the SHA-256 of its bytes. */
export async function keptWeights(page: Page, runId: string): Promise<readonly string[]> {
  const records = await storedRecords(page, "chunks", `${runId} result`);
  if (records.length === 0) throw new Error(`run ${runId} keeps no weights`);
  return records.map(({ value }) => {
    const { tensor, part, bytes } = value as { tensor: string; part: number; bytes: string };
    return `${tensor}/${part} ${bytes}`;
  });
}

/** How many records each store holds. */
export async function storedCounts(page: Page, stores: readonly string[]): Promise<Record<string, number>> {
  const counts = stores.map(async (store) => [store, (await storedRecords(page, store)).length] as const);
  return Object.fromEntries(await Promise.all(counts));
}
