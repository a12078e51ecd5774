import { RetuneError } from "../../engine/errors.ts";

/** Bytes this origin may still store, as the browser estimates; null where it does not say. */
export async function freeBytes(): Promise<number | null> {
  const { quota, usage } = await navigator.storage.estimate();
  return quota === undefined || usage === undefined ? null : Math.max(0, quota - usage);
}

/** Throws "storage-full" with the numbers where a run's checkpoints would not find room. */
export function requireRoom(neededBytes: number, free: number | null): void {
  if (free === null || neededBytes <= free) return;
  const [needed, left] = [neededBytes, free].map((bytes) => `${Math.ceil(bytes / 1e6)} MB`);
  const text = `This run needs ${needed} for its checkpoints and its result; the browser gives ${left} more.`;
  throw new RetuneError("storage-full", `${text} Remove runs or clear the vector cache, then start again.`);
}
