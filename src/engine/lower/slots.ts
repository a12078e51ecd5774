import type { BufferId, Launch } from "../plan.ts";
import { readsOf, writesOf } from "./launch-buffers.ts";
import type { StorageDraft } from "./storage-draft.ts";
import type { DType } from "../graph.ts";

interface Slot {
  readonly dtype: DType;
  elements: number;
  readonly buffers: BufferId[];
  freeFrom: number; // index of the first launch that may write it again
}

/**
 * Gives every temporary a slot. Two share one where the first is read for the last time before the second is written:
 * never in one launch, because a GPU refuses a buffer that is read and written by the same dispatch. Best fit first,
 * and a slot grows rather than a new one being made when it is nearly large enough.
 */
export function assignSlots(launches: readonly Launch[], draft: StorageDraft): void {
  const lastRead = new Map<BufferId, number>();
  launches.forEach((launch, index) => {
    for (const buffer of [...readsOf(launch), ...writesOf(launch)]) lastRead.set(buffer, index);
  });
  const slots: Slot[] = [];
  const placed = new Set<BufferId>();
  launches.forEach((launch, index) => {
    for (const buffer of writesOf(launch)) {
      if (!draft.isTemporary(buffer) || placed.has(buffer)) continue;
      placed.add(buffer);
      const { elements, dtype } = draft.bufferSize(buffer);
      const slot = bestSlot(slots, dtype, elements, index);
      slot.elements = Math.max(slot.elements, elements);
      slot.buffers.push(buffer);
      slot.freeFrom = lastRead.get(buffer)! + 1;
    }
  });
  slots.forEach((slot, index) => {
    const storage = draft.storage("slot", `slot ${index}`, slot.dtype, slot.elements);
    for (const buffer of slot.buffers) draft.place(buffer, storage);
  });
}

function bestSlot(slots: Slot[], dtype: DType, elements: number, launch: number): Slot {
  const free = slots.filter((slot) => slot.dtype === dtype && slot.freeFrom <= launch);
  const waste = (slot: Slot): number => Math.abs(slot.elements - elements);
  const best = free.toSorted((a, b) => waste(a) - waste(b))[0];
  if (best) return best;
  const slot: Slot = { dtype, elements, buffers: [], freeFrom: 0 };
  slots.push(slot);
  return slot;
}
