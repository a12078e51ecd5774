import type { BufferId, GatherLaunch, Launch, ReduceLaunch } from "../plan.ts";
import { readsOf, writesOf } from "./launch-buffers.ts";
import type { StorageDraft } from "./storage-draft.ts";

const MAX_COPIES = 3; // three tables, three results and two index buffers are the eight bindings every GPU has
const MAX_INDEX_BUFFERS = 2;
const MAX_REDUCTIONS = 4;
const MAX_REDUCTION_SOURCES = 5;

/**
 * Lets independent launches of one kind share a launch: gathers move up to an earlier one, reductions to whichever of
 * two places their data allows. A step of an adapter is bound by the number of launches on a GPU.
 */
export function mergeLaunches(launches: readonly Launch[], draft: StorageDraft): Launch[] {
  const merged = [...launches];
  while (mergeOnce(merged, draft));
  return merged;
}

function mergeOnce(launches: Launch[], draft: StorageDraft): boolean {
  for (let early = 0; early < launches.length; early++) {
    for (let late = early + 1; late < launches.length; late++) {
      const union = unionOf(launches[early]!, launches[late]!, draft);
      if (!union) continue;
      const between = launches.slice(early + 1, late);
      if (canRise(launches[late]!, [launches[early]!, ...between], draft)) {
        launches.splice(late, 1);
        launches[early] = union;
        return true;
      }
      if (canSink(launches[early]!, [...between, launches[late]!], draft)) {
        launches[late] = union;
        launches.splice(early, 1);
        return true;
      }
    }
  }
  return false;
}

/** May a launch happen before `over`? Not where one of them writes what it reads. */
function canRise(launch: Launch, over: readonly Launch[], draft: StorageDraft): boolean {
  return over.every((other) => !meet(writesOf(other), readsOf(launch), draft));
}

/** May a launch happen as late as the last of `under`? Not where one of them reads what it writes. */
function canSink(launch: Launch, under: readonly Launch[], draft: StorageDraft): boolean {
  return under.every((other) => !meet(readsOf(other), writesOf(launch), draft));
}

function meet(some: readonly BufferId[], others: readonly BufferId[], draft: StorageDraft): boolean {
  return some.some((first) => others.some((second) => draft.overlaps(first, second)));
}

function unionOf(a: Launch, b: Launch, draft: StorageDraft): Launch | undefined {
  if (a.kind === "gather" && b.kind === "gather") return gatherUnion(a, b);
  if (a.kind === "reduce" && b.kind === "reduce") return reduceUnion(a, b, draft);
  return undefined;
}

function gatherUnion(a: GatherLaunch, b: GatherLaunch): GatherLaunch | undefined {
  const copies = [...a.copies, ...b.copies];
  const indexBuffers = new Set(copies.map(({ indices }) => indices)).size;
  const fits = copies.length <= MAX_COPIES && indexBuffers <= MAX_INDEX_BUFFERS;
  return fits ? { kind: "gather", copies } : undefined;
}

function reduceUnion(a: ReduceLaunch, b: ReduceLaunch, draft: StorageDraft): ReduceLaunch | undefined {
  const reductions = [...a.reductions, ...b.reductions];
  const union: ReduceLaunch = { kind: "reduce", reductions };
  const storages = new Set(writesOf(union).map((buffer) => draft.storageOf(buffer)));
  const oneResult = storages.size === 1 && !draft.isTemporary(reductions[0]!.out);
  const sources = new Set(readsOf(union)).size;
  return oneResult && reductions.length <= MAX_REDUCTIONS && sources <= MAX_REDUCTION_SOURCES
    ? union
    : undefined;
}
