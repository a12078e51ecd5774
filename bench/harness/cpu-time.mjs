// CPU time of a browser's processes from /proc: what a program costs, on a machine that others use as well.
import { readFileSync, readdirSync } from "node:fs";

function parentOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** Ids of all processes below `root`. */
function descendants(root) {
  const children = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = parentOf(name);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      continue; // it ended meanwhile
    }
  }
  const found = [];
  const queue = [root];
  while (queue.length > 0) {
    for (const child of children.get(queue.shift()) ?? []) {
      found.push(child);
      queue.push(child);
    }
  }
  return found;
}

function isWorking(pid) {
  try {
    return /--type=(gpu-process|renderer)/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
  } catch {
    return false;
  }
}

function millisecondsOf(pid) {
  let nanoseconds = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    }
  } catch {
    return nanoseconds / 1e6;
  }
  return nanoseconds / 1e6;
}

/** A clock of the CPU milliseconds used by the GPU process and the renderers below this process. */
export function browserClock() {
  const pids = descendants(process.pid).filter(isWorking);
  if (pids.length === 0) throw new Error("no browser process found below this one");
  return () => pids.reduce((sum, pid) => sum + millisecondsOf(pid), 0);
}

/** Bytes that the GPU process and the renderers below this process have been resident with at most, summed. */
export function browserMemory() {
  const pids = descendants(process.pid).filter(isWorking);
  return pids.reduce((sum, pid) => {
    const most = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return sum + Number(most?.[1] ?? 0) * 1024;
  }, 0);
}

/** Bytes that the renderers below this process are resident with now: the page and its workers. */
export function rendererMemory() {
  const pids = descendants(process.pid).filter(isWorking);
  return pids.reduce((sum, pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--type=renderer")) return sum;
      const now = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
      return sum + Number(now?.[1] ?? 0) * 1024;
    } catch {
      return sum; // it ended meanwhile
    }
  }, 0);
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
