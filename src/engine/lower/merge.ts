import { isStored } from "../graph.ts";
import type { BufferId, GatherLaunch, Launch, ReduceLaunch } from "../plan.ts";
import { readsOf, writesOf } from "./launch-buffers.ts";
import type { StorageDraft } from "./storage-draft.ts";

const MAX_COPIES = 3; // three tables, three results and two index buffers are the eight bindings every GPU has
const MAX_INDEX_BUFFERS = 2;
const MAX_REDUCTIONS = 4;
const MAX_REDUCTION_SOURCES = 5;

const WINDOW = 48; // launches that a launch may move by
const MOST_HELD = 1 << 18; // elements that stay in memory longer because a sum was put off

/** A launch with the buffers it touches. */
interface Placed {
  readonly launch: Launch;
  readonly reads: readonly BufferId[];
  readonly writes: readonly BufferId[];
}

/**
 * Lets independent launches of one kind share a launch: gathers move up to an earlier one, reductions to whichever of
 * two places their data allows. A step of an adapter is bound by the number of launches on a GPU. A sum is not put off
 * where that would keep a large temporary alive.
 */
export function mergeLaunches(launches: readonly Launch[], draft: StorageDraft): Launch[] {
  const merged = launches.map(placed);
  for (let early = 0; early < merged.length;) if (!mergeFrom(merged, early, draft)) early++;
  return merged.map(({ launch }) => launch);
}

function placed(launch: Launch): Placed {
  return { launch, reads: readsOf(launch), writes: writesOf(launch) };
}

/** Merges the launch at `early` with a later one, at either place; false where none fits. */
function mergeFrom(launches: Placed[], early: number, draft: StorageDraft): boolean {
  const first = launches[early]!;
  if (first.launch.kind !== "gather" && first.launch.kind !== "reduce") return false;
  const end = Math.min(launches.length, early + WINDOW);
  for (let late = early + 1; late < end; late++) {
    const second = launches[late]!;
    const union = unionOf(first.launch, second.launch, draft);
    if (!union) continue;
    const between = launches.slice(early + 1, late);
    if (canRise(second, [first, ...between], draft)) {
      launches.splice(late, 1);
      launches[early] = placed(union);
      return true;
    }
    if (canSink(first, [...between, second], draft) && held(first, launches, late, draft) <= MOST_HELD) {
      launches[late] = placed(union);
      launches.splice(early, 1);
      return true;
    }
  }
  return false;
}

/** May a launch happen before `over`? Not where one of them writes what it reads. */
function canRise(launch: Placed, over: readonly Placed[], draft: StorageDraft): boolean {
  return over.every((other) => !meet(other.writes, launch.reads, draft));
}

/** May a launch happen as late as the last of `under`? Not where one of them reads what it writes. */
function canSink(launch: Placed, under: readonly Placed[], draft: StorageDraft): boolean {
  return under.every((other) => !meet(other.reads, launch.writes, draft));
}

/** Elements of temporaries that only this launch would still read at `late`. */
function held(launch: Placed, launches: readonly Placed[], late: number, draft: StorageDraft): number {
  const after = launches.slice(late);
  const kept = launch.reads.filter(
    (buffer) => draft.isTemporary(buffer) && !after.some(({ reads }) => reads.includes(buffer)),
  );
  return kept.reduce((sum, buffer) => sum + draft.bufferSize(buffer).elements, 0);
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
  const coded = copies.some(({ dtype }) => isStored(dtype)); // read in another way, so alone
  const fits = !coded && copies.length <= MAX_COPIES && indexBuffers <= MAX_INDEX_BUFFERS;
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
