import type { LabNote } from "../lab-task.ts";
import { stepText } from "./steps.ts";
import type { Trace } from "./trace.ts";

interface PlacedTrace extends Pick<Trace, "steps" | "observations"> {
  readonly line: number;
  readonly question: string;
}

/**
 * Handlers log one line a call, each with the calls before it: of lines that one other line goes on from, only that one is kept.
 * Equal lines are kept once. Order is that of the file.
 */
export function mergedTraces<Own extends PlacedTrace>(
  traces: readonly Own[],
): { readonly traces: readonly Own[]; readonly notes: readonly LabNote[] } {
  const known = new Map<string, number>(); // a trace or its beginning → the line that holds it
  const kept = new Set<Own>();
  const notes: LabNote[] = [];
  for (const trace of [...traces].sort((a, b) => b.steps.length - a.steps.length || a.line - b.line)) {
    const keys = keysOf(trace);
    const line = known.get(keys.at(-1)!);
    if (line !== undefined) {
      notes.push({
        line: trace.line,
        reason: `its steps stand in line ${line} too; they count once`,
        skipped: true,
      });
      continue;
    }
    kept.add(trace);
    for (const key of keys) if (!known.has(key)) known.set(key, trace.line);
  }
  return { traces: traces.filter((trace) => kept.has(trace)), notes };
}

/** A text for each beginning of a trace, the whole last. */
function keysOf({ question, steps, observations }: PlacedTrace): string[] {
  let key = question;
  return steps.map((step, place) => {
    key += `\n${place > 0 ? observations[place - 1] : ""}\n${stepText(step)}`;
    return key;
  });
}
