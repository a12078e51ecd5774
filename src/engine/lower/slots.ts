import type { DType } from "../graph.ts";
import type { BufferId, Launch } from "../plan.ts";
import { readsOf, writesOf } from "./launch-buffers.ts";
import type { StorageDraft } from "./storage-draft.ts";

/** A temporary and the launches between which it must not be overwritten, both included. */
interface Life {
  readonly buffer: BufferId;
  readonly dtype: DType;
  readonly elements: number;
  readonly from: number;
  to: number;
}

interface Slot {
  readonly dtype: DType;
  readonly elements: number;
  readonly lives: Life[];
}

/**
 * Gives every temporary a slot. Two share one where the first is read for the last time before the second is written:
 * never in one launch, because a GPU refuses a buffer that is read and written by the same dispatch. The largest go
 * first, each to the smallest slot that is free for its whole life (greedy by size; Pisarchyk & Lee 2020).
 */
export function assignSlots(launches: readonly Launch[], draft: StorageDraft): void {
  const slots: Slot[] = [];
  const lives = livesOf(launches, draft).toSorted((a, b) => b.elements - a.elements || a.from - b.from);
  for (const life of lives) slotFor(life, slots).lives.push(life);
  slots.forEach((slot, index) => {
    const storage = draft.storage("slot", `slot ${index}`, slot.dtype, slot.elements);
    for (const { buffer } of slot.lives) draft.place(buffer, storage);
  });
}

function livesOf(launches: readonly Launch[], draft: StorageDraft): Life[] {
  const lives = new Map<BufferId, Life>();
  launches.forEach((launch, index) => {
    for (const buffer of [...writesOf(launch), ...readsOf(launch)]) {
      if (!draft.isTemporary(buffer)) continue;
      const known = lives.get(buffer);
      if (known) known.to = index;
      else lives.set(buffer, { buffer, ...draft.bufferSize(buffer), from: index, to: index });
    }
  });
  return [...lives.values()];
}

/** The last slot that is free is the smallest: they were made from large to small. */
function slotFor(life: Life, slots: Slot[]): Slot {
  const free = slots.findLast(({ dtype, lives }) => {
    return dtype === life.dtype && lives.every(({ from, to }) => to < life.from || life.to < from);
  });
  if (free) return free;
  const slot: Slot = { dtype: life.dtype, elements: life.elements, lives: [] };
  slots.push(slot);
  return slot;
}
