import { openDB } from "idb";
import type { IDBPTransaction } from "idb";
import { RetuneError } from "../../engine/errors.ts";
import { MIGRATIONS, migrate } from "./schema.ts";
import type { Database, RetuneSchema, StoreName } from "./schema.ts";
import { isConnectionLost, storageError } from "./storage-error.ts";

export type ReadTransaction<Names extends StoreName> = IDBPTransaction<RetuneSchema, Names[], "readonly">;
export type WriteTransaction<Names extends StoreName> = IDBPTransaction<RetuneSchema, Names[], "readwrite">;

export interface ConnectionOptions {
  readonly name?: string;
  /** Told when the browser took the database away, when another tab upgrades it, or when it does not answer. */
  readonly onProblem?: (error: RetuneError) => void;
  readonly watchdogMs?: number; // 10 s: an operation that fires no event at all is reported, not awaited for ever
}

export interface WriteOptions {
  readonly durability?: "strict" | "relaxed";
  readonly bytes?: number; // of what is written or read: the watchdog waits longer for more
}

const WATCHDOG_MS = 10_000;
const SLOWEST_BYTES_PER_MS = 4_000; // 4 MB/s

/**
 * The one way to the database. Only a transaction's `complete` counts as saved; a request's success does not. A lost
 * connection is opened again once. Nothing but IndexedDB requests may be awaited inside `work`: whatever is slow
 * (digests, clones) is prepared before.
 */
export class Connection {
  private opened: Promise<Database> | undefined;
  private outdated = false;
  private readonly name: string;
  private readonly options: ConnectionOptions;

  constructor(options: ConnectionOptions = {}) {
    this.options = options;
    this.name = options.name ?? "retune";
  }

  async read<Names extends StoreName, Value>(
    stores: readonly Names[],
    what: string,
    work: (transaction: ReadTransaction<Names>) => Promise<Value>,
    { bytes = 0 }: Pick<WriteOptions, "bytes"> = {},
  ): Promise<Value> {
    return this.withDatabase(what, bytes, async (database) => {
      const transaction = database.transaction([...stores], "readonly");
      return settle(transaction.done, () => work(transaction));
    });
  }

  async write<Names extends StoreName, Value>(
    stores: readonly Names[],
    what: string,
    work: (transaction: WriteTransaction<Names>) => Promise<Value>,
    { durability = "strict", bytes = 0 }: WriteOptions = {},
  ): Promise<Value> {
    return this.withDatabase(what, bytes, async (database) => {
      const transaction = database.transaction([...stores], "readwrite", { durability });
      return settle(
        transaction.done,
        () => work(transaction),
        () => transaction.abort(),
      );
    });
  }

  async close(): Promise<void> {
    const opened = this.opened;
    this.opened = undefined;
    const database = await opened?.catch(() => undefined);
    database?.close();
  }

  private async withDatabase<Value>(
    what: string,
    bytes: number,
    work: (database: Database) => Promise<Value>,
  ): Promise<Value> {
    const patience = (this.options.watchdogMs ?? WATCHDOG_MS) + bytes / SLOWEST_BYTES_PER_MS;
    const attempt = async (): Promise<Value> => work(await this.database());
    try {
      return await watched(attempt(), patience, what);
    } catch (error) {
      if (!isConnectionLost(error) && !isStalled(error)) throw storageError(error, what);
      this.opened = undefined;
    }
    try {
      return await watched(attempt(), patience, what);
    } catch (error) {
      throw this.report(storageError(error, what));
    }
  }

  private database(): Promise<Database> {
    if (this.outdated) throw newerTab();
    this.opened ??= this.open().catch((error: unknown) => {
      this.opened = undefined;
      throw storageError(error, "opening the database");
    });
    return this.opened;
  }

  private async open(): Promise<Database> {
    return openDB<RetuneSchema>(this.name, MIGRATIONS.length, {
      upgrade: (database, from, _to, transaction) => migrate(database, from, transaction),
      blocked: () => {
        const text = "Another tab holds an older version of the data. Close the other Retune tabs.";
        this.report(new RetuneError("storage-blocked", text));
      },
      blocking: () => {
        this.outdated = true; // an upgrade waits for us: let it through, and write nothing any more
        void this.close();
        this.report(newerTab());
      },
      terminated: () => {
        this.opened = undefined;
        const text =
          "The browser closed the database (cleared, or the disk failed). Export what is on screen.";
        this.report(new RetuneError("storage-broken", text));
      },
    });
  }

  private report<Problem extends Error>(error: Problem): Problem {
    if (error instanceof RetuneError) this.options.onProblem?.(error);
    return error;
  }
}

function newerTab(): RetuneError {
  return new RetuneError("storage-blocked", "Retune was updated in another tab. Reload this page to go on.");
}

/** Runs `work`, then waits for the transaction itself; whichever fails first is thrown, and nothing is left loose. */
async function settle<Value>(
  done: Promise<void>,
  work: () => Promise<Value>,
  abort?: () => void,
): Promise<Value> {
  const finished = done.then(
    () => ({ ok: true as const }),
    (error: unknown) => ({ ok: false as const, error }),
  );
  let value: Value;
  try {
    value = await work();
  } catch (error) {
    try {
      abort?.();
    } catch {
      // It has aborted already.
    }
    const end = await finished;
    throw end.ok || nameOf(end.error) === "AbortError" ? error : end.error;
  }
  const end = await finished;
  if (!end.ok) throw end.error;
  return value;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

const STALLED = "Storage did not answer";

function isStalled(error: unknown): boolean {
  return error instanceof RetuneError && error.message.startsWith(STALLED);
}

async function watched<Value>(work: Promise<Value>, patience: number, what: string): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const seconds = Math.round(patience / 1000);
      const text = `${STALLED} for ${seconds} s while ${what}. Close other tabs of Retune, then try again.`;
      reject(new RetuneError("storage-broken", text));
    }, patience);
  });
  try {
    return await Promise.race([work, stalled]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
