import { RetuneError } from "../../engine/errors.ts";
import { assembleTensor, manifestDigest, manifestOf, partsOf } from "./checkpoint.ts";
import type { Checkpoint, CheckpointStore, CheckpointTensor, SavedCheckpoint } from "./checkpoint.ts";
import type { Connection } from "./connection.ts";
import type { ChunkRecord, ManifestRecord, ManifestTensor } from "./records.ts";

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
 * chunks go in relaxed ones, copied one at a time, and the manifest, the commit point, in a strict one. The new checkpoint
 * is read back tensor by tensor and compared before an older one goes; two are kept, so that a damaged one leaves another.
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
    const tensors: ManifestTensor[] = [];
    for (const [name, tensor] of checkpoint.tensors) tensors.push(await manifestOf(name, tensor));
    const { config, device, state } = checkpoint;
    const previous = newest?.sequence ?? null;
    const open = { runId, sequence, previous, version: 1 as const, config, device, state };
    const unsigned = { ...open, tensors };
    const manifest: ManifestRecord = { ...unsigned, self: await manifestDigest(unsigned) };
    await this.options.fault?.("before-write");
    await this.commit(manifest, checkpoint);
    await this.options.fault?.("after-commit");
    await this.verify(manifest);
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

  private async commit(manifest: ManifestRecord, { tensors }: Checkpoint): Promise<void> {
    const bytes = manifest.tensors.reduce((total, tensor) => total + tensor.bytes, 0);
    const together = bytes <= (this.options.oneTransactionBytes ?? ONE_TRANSACTION);
    const what = `checkpoint ${manifest.sequence}`;
    if (!together) {
      for (const chunk of chunksOf(manifest, tensors)) {
        const write = { durability: "relaxed" as const, bytes: chunk.bytes.length };
        await this.connection.write(["chunks"], what, (tx) => tx.objectStore("chunks").put(chunk), write);
        await this.options.fault?.("between-chunks");
      }
    }
    const chunks = together ? [...chunksOf(manifest, tensors)] : [];
    const write = { durability: "strict" as const, bytes };
    await this.connection.write(
      ["manifests", "chunks"],
      what,
      async (transaction) => {
        const store = transaction.objectStore("chunks");
        const puts = chunks.map((chunk) => store.put(chunk));
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

  /** Reads a checkpoint back; throws "corrupt" with the place. */
  private async load(listed: ManifestRecord): Promise<Checkpoint> {
    const manifest = await this.whole(listed);
    const tensors = new Map<string, CheckpointTensor>();
    for await (const [name, tensor] of this.tensorsOf(manifest)) tensors.set(name, tensor);
    return { config: manifest.config, device: manifest.device, state: manifest.state, tensors };
  }

  /** As `load`, but holds one tensor at a time. */
  private async verify(listed: ManifestRecord): Promise<void> {
    for await (const [,] of this.tensorsOf(await this.whole(listed)));
  }

  private async whole({ runId, sequence }: ManifestRecord): Promise<ManifestRecord> {
    const manifest = await this.connection.read(["manifests"], "reading a checkpoint", (transaction) =>
      transaction.objectStore("manifests").get([runId, sequence]),
    );
    if (manifest && (await manifestDigest(manifest)) === manifest.self) return manifest;
    throw new RetuneError("corrupt", `Checkpoint ${sequence}: its manifest is damaged.`);
  }

  /** Its tensors one after the other, every digest checked. */
  private async *tensorsOf(manifest: ManifestRecord): AsyncGenerator<readonly [string, CheckpointTensor]> {
    const { runId, sequence } = manifest;
    for (const tensor of manifest.tensors) {
      const key = [runId, sequence, tensor.name];
      const range = IDBKeyRange.bound(key, [...key, []]);
      const chunks = await this.connection.read(
        ["chunks"],
        "reading a checkpoint",
        (transaction) => transaction.objectStore("chunks").getAll(range),
        { bytes: tensor.bytes },
      );
      const parts = new Map(chunks.map(({ part, bytes }) => [part, bytes]));
      const own = tensor.chunks.map((_, part) => parts.get(part));
      yield [tensor.name, await assembleTensor(tensor, own, `Checkpoint ${sequence}`)];
    }
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

/** Each part copied when its turn comes: storing a view would store the whole buffer behind it. */
function* chunksOf(
  { runId, sequence }: ManifestRecord,
  tensors: Checkpoint["tensors"],
): Generator<ChunkRecord, void, void> {
  for (const [name, tensor] of tensors) {
    for (const [part, view] of partsOf(tensor).entries()) {
      yield { runId, sequence, tensor: name, part, bytes: view.slice() };
    }
  }
}
