import { RetuneError } from "../../engine/errors.ts";
import { assembleTensor, manifestDigest, prepareTensor } from "./checkpoint.ts";
import type { Checkpoint, CheckpointStore, CheckpointTensor, SavedCheckpoint } from "./checkpoint.ts";
import type { PreparedTensor } from "./checkpoint.ts";
import type { Connection } from "./connection.ts";
import type { ChunkRecord, ManifestRecord } from "./records.ts";

/** Where tests may stop or kill a save. */
export type SavePoint = "before-write" | "between-chunks" | "after-commit" | "after-verify" | "after-prune";

export interface CheckpointStoreOptions {
  readonly fault?: (point: SavePoint) => Promise<void>;
  readonly oneTransactionBytes?: number; // above it, chunks go first and the manifest is the commit point
}

const ONE_TRANSACTION = 64 * 1024 * 1024;
const KEPT = 2;

/**
 * Checkpoints as a manifest plus 4 MB chunks with SHA-256. Up to 64 MB everything is one strict transaction; above,
 * chunks go in relaxed ones and the manifest, the commit point, in a strict one. The new checkpoint is read back and
 * compared before an older one goes; two are kept, so that a damaged one leaves another.
 */
export class IndexedCheckpointStore implements CheckpointStore {
  private readonly connection: Connection;
  private readonly options: CheckpointStoreOptions;

  constructor(connection: Connection, options: CheckpointStoreOptions = {}) {
    this.connection = connection;
    this.options = options;
  }

  async save(runId: string, checkpoint: Checkpoint): Promise<number> {
    const newest = (await this.manifests(runId)).at(-1);
    const sequence = (newest?.sequence ?? 0) + 1;
    const tensors = await Promise.all(
      [...checkpoint.tensors].map(([name, tensor]) => prepareTensor(name, tensor)),
    );
    const { config, device, state } = checkpoint;
    const previous = newest?.sequence ?? null;
    const open = { runId, sequence, previous, version: 1 as const, config, device, state };
    const unsigned = { ...open, tensors: tensors.map((tensor) => tensor.manifest) };
    const manifest: ManifestRecord = { ...unsigned, self: await manifestDigest(unsigned) };
    await this.options.fault?.("before-write");
    await this.commit(manifest, chunksOf(manifest, tensors));
    await this.options.fault?.("after-commit");
    await this.load(manifest);
    await this.options.fault?.("after-verify");
    await this.prune(runId, sequence);
    await this.options.fault?.("after-prune");
    return sequence;
  }

  async latest(runId: string): Promise<SavedCheckpoint | null> {
    const refused: RetuneError[] = [];
    for (const manifest of (await this.manifests(runId)).reverse()) {
      try {
        return { checkpoint: await this.load(manifest), sequence: manifest.sequence, refused };
      } catch (error) {
        if (!(error instanceof RetuneError) || error.code !== "corrupt") throw error;
        refused.push(error);
      }
    }
    if (refused.length > 0) {
      const text = `None of the ${refused.length} checkpoints of this run is whole: ${refused[0]!.message} Start it again.`;
      throw new RetuneError("corrupt", text, {}, { cause: refused[0] });
    }
    return null;
  }

  /** Bytes of the newest one's arrays; null where there is none. */
  async size(runId: string): Promise<number | null> {
    const newest = (await this.manifests(runId)).at(-1);
    return newest ? newest.tensors.reduce((sum, { bytes }) => sum + bytes, 0) : null;
  }

  async remove(runId: string): Promise<void> {
    await this.connection.write(["manifests", "chunks"], "removing checkpoints", async (transaction) => {
      await transaction.objectStore("manifests").delete(IDBKeyRange.bound([runId], [runId, []]));
      await transaction.objectStore("chunks").delete(IDBKeyRange.bound([runId], [runId, []]));
    });
  }

  private async commit(manifest: ManifestRecord, chunks: readonly ChunkRecord[]): Promise<void> {
    const bytes = chunks.reduce((total, chunk) => total + chunk.bytes.length, 0);
    const together = bytes <= (this.options.oneTransactionBytes ?? ONE_TRANSACTION);
    const what = `checkpoint ${manifest.sequence}`;
    if (!together) {
      for (const chunk of chunks) {
        const write = { durability: "relaxed" as const, bytes: chunk.bytes.length };
        await this.connection.write(["chunks"], what, (tx) => tx.objectStore("chunks").put(chunk), write);
        await this.options.fault?.("between-chunks");
      }
    }
    const write = { durability: "strict" as const, bytes };
    await this.connection.write(
      ["manifests", "chunks"],
      what,
      async (transaction) => {
        const store = transaction.objectStore("chunks");
        const puts = together ? chunks.map((chunk) => store.put(chunk)) : [];
        await Promise.all([...puts, transaction.objectStore("manifests").put(manifest)]);
      },
      write,
    );
  }

  private async manifests(runId: string): Promise<ManifestRecord[]> {
    const range = IDBKeyRange.bound([runId], [runId, []]);
    return this.connection.read(["manifests"], "listing checkpoints", (transaction) =>
      transaction.objectStore("manifests").getAll(range),
    );
  }

  /** Reads a checkpoint back and checks every digest; throws "corrupt" with the place. */
  private async load(listed: ManifestRecord): Promise<Checkpoint> {
    const { runId, sequence } = listed;
    const where = `Checkpoint ${sequence}`;
    const range = IDBKeyRange.bound([runId, sequence], [runId, sequence, []]);
    const stores = ["manifests", "chunks"] as const;
    const [manifest, chunks] = await this.connection.read(stores, "reading a checkpoint", (transaction) =>
      Promise.all([
        transaction.objectStore("manifests").get([runId, sequence]),
        transaction.objectStore("chunks").getAll(range),
      ]),
    );
    if (!manifest || (await manifestDigest(manifest)) !== manifest.self) {
      throw new RetuneError("corrupt", `${where}: its manifest is damaged.`);
    }
    const parts = new Map(chunks.map((chunk) => [`${chunk.tensor}/${chunk.part}`, chunk.bytes]));
    const tensors = new Map<string, CheckpointTensor>();
    for (const tensor of manifest.tensors) {
      const own = tensor.chunks.map((_, part) => parts.get(`${tensor.name}/${part}`));
      tensors.set(tensor.name, await assembleTensor(tensor, own, where));
    }
    return { config: manifest.config, device: manifest.device, state: manifest.state, tensors };
  }

  /** Drops what is older than the two newest, and chunks whose manifest never came. */
  private async prune(runId: string, verified: number): Promise<void> {
    const kept = (await this.manifests(runId))
      .filter((manifest) => manifest.sequence <= verified)
      .slice(-KEPT);
    const oldest = kept[0]?.sequence ?? verified;
    await this.connection.write(
      ["manifests", "chunks"],
      "removing older checkpoints",
      async (transaction) => {
        const range = IDBKeyRange.bound([runId], [runId, oldest], false, true);
        await transaction.objectStore("manifests").delete(range);
        await transaction.objectStore("chunks").delete(range);
      },
    );
  }
}

function chunksOf(manifest: ManifestRecord, tensors: readonly PreparedTensor[]): ChunkRecord[] {
  const { runId, sequence } = manifest;
  return tensors.flatMap((tensor) =>
    tensor.parts.map((bytes, part) => ({ runId, sequence, tensor: tensor.manifest.name, part, bytes })),
  );
}
