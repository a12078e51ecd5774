import "fake-indexeddb/auto";
import { beforeEach, expect, test, vi } from "vitest";
import type { Checkpoint } from "../../../src/app/storage/checkpoint.ts";
import { CHUNK_BYTES } from "../../../src/app/storage/checkpoint.ts";
import { IndexedCheckpointStore } from "../../../src/app/storage/checkpoint-store.ts";
import type { CheckpointStoreOptions, SavePoint } from "../../../src/app/storage/checkpoint-store.ts";
import { Connection } from "../../../src/app/storage/connection.ts";

let connection: Connection;
beforeEach(() => {
  connection = new Connection({ name: `checkpoints-${crypto.randomUUID()}` });
});

const BIG = CHUNK_BYTES / 4 + 1000; // one float more than a chunk holds, and then some

function checkpointAt(step: number, length = 7): Checkpoint {
  const weight = Float32Array.from({ length }, (_, index) => Math.sin(index + step));
  const order = Uint32Array.from({ length: 5 }, (_, index) => index * step);
  return {
    config: "config",
    device: "cpu",
    state: JSON.stringify({ step }),
    tensors: new Map([
      ["weight", { shape: [length], values: weight }],
      ["order", { shape: [5], values: order }],
    ]),
  };
}

function store(options: CheckpointStoreOptions = {}): IndexedCheckpointStore {
  return new IndexedCheckpointStore(connection, options);
}

async function stepOf(checkpoints: IndexedCheckpointStore): Promise<number | null> {
  const saved = await checkpoints.latest("run");
  return saved && (JSON.parse(saved.checkpoint.state) as { step: number }).step;
}

test("a checkpoint comes back bit for bit, in parts of 4 MB", async () => {
  const saved = checkpointAt(3, BIG);
  expect(await store().save("run", saved)).toBe(1);
  const loaded = (await store().latest("run"))!;
  expect(loaded.refused).toEqual([]);
  const bytesOf = ({ tensors }: Checkpoint) => Buffer.from(tensors.get("weight")!.values.buffer);
  expect(bytesOf(loaded.checkpoint).equals(bytesOf(saved))).toBe(true);
  expect(loaded.checkpoint.tensors.get("order")!.values).toEqual(saved.tensors.get("order")!.values);
  const keys = await connection.read(["chunks"], "test", (tx) => tx.objectStore("chunks").getAllKeys());
  expect(keys).toEqual([
    ["run", 1, "order", 0],
    ["run", 1, "weight", 0],
    ["run", 1, "weight", 1],
  ]);
});

test("a view of a larger buffer stores only its own bytes", async () => {
  const buffer = new Float32Array(100_000).fill(7);
  const view = buffer.subarray(10, 13);
  const tensors = new Map([["view", { shape: [3], values: view }]]);
  await store().save("run", { ...checkpointAt(1), tensors });
  const chunks = await connection.read(["chunks"], "test", (tx) => tx.objectStore("chunks").getAll());
  expect(chunks.map((chunk) => chunk.bytes.buffer.byteLength)).toEqual([12]);
});

test("the newest two are kept, of each run its own", async () => {
  for (const step of [1, 2, 3, 4]) await store().save("run", checkpointAt(step));
  await store().save("other", checkpointAt(9));
  const keys = await connection.read(["manifests"], "test", (tx) => tx.objectStore("manifests").getAllKeys());
  expect(keys).toEqual([
    ["other", 1],
    ["run", 3],
    ["run", 4],
  ]);
  await store().remove("run");
  expect(await store().latest("run")).toBeNull();
  expect(await stepOf(store())).toBeNull();
  expect((await store().latest("other"))!.sequence).toBe(1);
});

type Damage = "flipped byte" | "deleted chunk" | "swapped chunks" | "edited manifest" | "deleted manifest";

async function damage(kind: Damage, sequence: number): Promise<void> {
  const stores = ["chunks", "manifests"] as const;
  await connection.write(stores, "test", async (transaction) => {
    const chunks = transaction.objectStore("chunks");
    const first = (await chunks.get(["run", sequence, "weight", 0]))!;
    const second = (await chunks.get(["run", sequence, "weight", 1]))!;
    const manifests = transaction.objectStore("manifests");
    if (kind === "flipped byte") first.bytes[first.bytes.length >> 1]! ^= 1;
    if (kind === "flipped byte") await chunks.put(first);
    if (kind === "deleted chunk") await chunks.delete(["run", sequence, "weight", 1]);
    if (kind === "swapped chunks") {
      await chunks.put({ ...first, part: 1 });
      await chunks.put({ ...second, part: 0 });
    }
    const manifest = (await manifests.get(["run", sequence]))!;
    if (kind === "edited manifest") await manifests.put({ ...manifest, state: '{"step":99}' });
    if (kind === "deleted manifest") await manifests.delete(["run", sequence]);
  });
}

test.each(["flipped byte", "deleted chunk", "swapped chunks", "edited manifest"] as const)(
  "%s: refused by name, and the checkpoint before it is offered",
  async (kind) => {
    await store().save("run", checkpointAt(1, 2 * BIG));
    await store().save("run", checkpointAt(2, 2 * BIG));
    await damage(kind, 2);
    const saved = (await store().latest("run"))!;
    expect(saved.sequence).toBe(1);
    expect(saved.refused.map((error) => error.code)).toEqual(["corrupt"]);
    expect(saved.refused[0]!.message).toMatch(/^Checkpoint 2.*(damaged|missing)/);
    await damage(kind, 1);
    await expect(store().latest("run")).rejects.toMatchObject({ code: "corrupt" });
  },
);

test("a flip of any byte anywhere in a chunk is found", async () => {
  await store().save("run", checkpointAt(1, 4));
  for (let position = 0; position < 16; position++) {
    const flip = (): Promise<void> =>
      connection.write(["chunks"], "test", async (transaction) => {
        const chunk = (await transaction.objectStore("chunks").get(["run", 1, "weight", 0]))!;
        chunk.bytes[position]! ^= 0x10;
        await transaction.objectStore("chunks").put(chunk);
      });
    await flip();
    await expect(store().latest("run"), `byte ${position}`).rejects.toMatchObject({ code: "corrupt" });
    await flip();
  }
  expect(await stepOf(store())).toBe(1);
});

class Killed extends Error {}

function killAt(point: SavePoint): CheckpointStoreOptions {
  return { fault: (at) => (at === point ? Promise.reject(new Killed(at)) : Promise.resolve()) };
}

test.each([
  ["before-write", 2],
  ["after-commit", 3],
  ["after-verify", 3],
  ["after-prune", 3],
] as const)("killed %s, the newest whole checkpoint is number %i", async (point, newest) => {
  await store().save("run", checkpointAt(1));
  await store().save("run", checkpointAt(2));
  await expect(store(killAt(point)).save("run", checkpointAt(3))).rejects.toThrow(Killed);
  expect(await stepOf(store())).toBe(newest);
  expect(await store().save("run", checkpointAt(newest + 1))).toBe(newest + 1);
  expect(await stepOf(store())).toBe(newest + 1);
});

test("a large checkpoint killed between its chunks leaves the one before it, and the next save succeeds", async () => {
  const large = { oneTransactionBytes: CHUNK_BYTES };
  await store(large).save("run", checkpointAt(1, 2 * BIG));
  const killed = store({ ...large, ...killAt("between-chunks") });
  await expect(killed.save("run", checkpointAt(2, 2 * BIG))).rejects.toThrow(Killed);
  expect(await stepOf(store())).toBe(1);
  await store(large).save("run", checkpointAt(3, 2 * BIG));
  expect(await stepOf(store())).toBe(3);
});

test("a save is over only when the transaction is: an aborted one rejects, and what was saved stays", async () => {
  await store().save("run", checkpointAt(1));
  const succeeded = vi.fn();
  const put = vi.spyOn(IDBObjectStore.prototype, "put");
  put.mockImplementationOnce(function (this: IDBObjectStore, value: unknown) {
    const request = this.put(value); // the real one: only the first call is replaced
    request.addEventListener("success", () => {
      succeeded();
      this.transaction.abort();
    });
    return request;
  });
  await expect(store().save("run", checkpointAt(2))).rejects.toMatchObject({ code: "storage-broken" });
  expect(succeeded).toHaveBeenCalledOnce();
  put.mockRestore();
  expect(await stepOf(store())).toBe(1);
});

test("a full disk names itself and what to do", async () => {
  await store().save("run", checkpointAt(1));
  const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
    throw new DOMException("quota", "QuotaExceededError");
  });
  const failed = store().save("run", checkpointAt(2));
  await expect(failed).rejects.toMatchObject({ code: "storage-full" });
  await expect(failed).rejects.toThrow(/Free space, then resume/);
  put.mockRestore();
  expect(await stepOf(store())).toBe(1);
  await store().save("run", checkpointAt(2));
  expect(await stepOf(store())).toBe(2);
});
