/** A mark outside IndexedDB: an empty database beside a mark was wiped, one without a mark is a new user's. */
export interface Canary {
  read(): Promise<CanaryMark | null>;
  write(mark: CanaryMark): Promise<void>;
}

export interface CanaryMark {
  readonly workspace: string; // the same id stands in the database's settings
  readonly projects: number;
  readonly runs: number;
}

const KEY = "retune-canary";
const FILE = "retune-canary.json";

export function localStorageCanary(area: Storage): Canary {
  return {
    read: () => Promise.resolve(parseMark(area.getItem(KEY))),
    write: (mark) => Promise.resolve(area.setItem(KEY, JSON.stringify(mark))),
  };
}

/** The same mark as a file of the origin's private file system. */
export function privateFileCanary(root: FileSystemDirectoryHandle): Canary {
  return {
    async read() {
      try {
        const handle = await root.getFileHandle(FILE);
        return parseMark(await (await handle.getFile()).text());
      } catch {
        return null; // no such file: nothing was marked here
      }
    },
    async write(mark) {
      const handle = await root.getFileHandle(FILE, { create: true });
      const writable = await handle.createWritable();
      await writable.write(JSON.stringify(mark));
      await writable.close();
    },
  };
}

/** Marks in several places: one that survives is enough. A place that refuses (private window) is left out. */
export function manyCanaries(canaries: readonly Canary[]): Canary {
  return {
    async read() {
      const marks = await Promise.all(canaries.map((canary) => canary.read().catch(() => null)));
      return marks.find((mark) => mark !== null) ?? null;
    },
    async write(mark) {
      await Promise.allSettled(canaries.map((canary) => canary.write(mark)));
    },
  };
}

function parseMark(text: string | null): CanaryMark | null {
  if (text === null) return null;
  try {
    const mark = JSON.parse(text) as Partial<CanaryMark>;
    if (typeof mark.workspace !== "string") return null;
    return { workspace: mark.workspace, projects: Number(mark.projects), runs: Number(mark.runs) };
  } catch {
    return null;
  }
}
