import type { ImportProblem } from "../app/studio-data.ts";

/** An error as the page shows it: what crossed a worker, or what an action rejected with. */
export type Failure = ImportProblem["error"];

function isCoded(error: unknown): error is Error & Pick<Failure, "code" | "place"> {
  return error instanceof Error && "code" in error && typeof error.code === "string" && "place" in error;
}

/** Any thrown value → the four fields a failure card needs. */
export function failureOf(error: unknown): Failure {
  if (isCoded(error)) return { code: error.code, message: error.message, place: error.place };
  if (error instanceof Error) {
    return {
      code: "defect",
      message: error.message,
      place: {},
      ...(error.stack ? { stack: error.stack } : {}),
    };
  }
  return { code: "defect", message: String(error), place: {} };
}

/** "handbook.md, line 12, column 3" or an empty string. */
export function placeOf(failure: Failure): string {
  const { file, line, column, byte } = failure.place;
  const parts = [
    file,
    line === undefined ? undefined : `line ${line}`,
    column === undefined ? undefined : `column ${column}`,
    byte === undefined ? undefined : `byte ${byte}`,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

/**
 * The message below its file's name. Most open with that name and say the place themselves: those lose the name; to
 * others the place is added.
 */
export function messageInRow(failure: Failure): string {
  const { message, place } = failure;
  if (place.file !== undefined && message.startsWith(`${place.file}: `)) {
    return message.slice(place.file.length + 2);
  }
  const where = placeOf(failure);
  return where === "" ? message : `${message} (${where})`;
}

/** Plain text for a bug report: no document content beyond what the message itself quotes. */
export function diagnosticsOf(failure: Failure, context: Readonly<Record<string, string>>): string {
  const lines = [`code: ${failure.code}`, `message: ${failure.message}`];
  const place = placeOf(failure);
  if (place !== "") lines.push(`place: ${place}`);
  for (const [name, value] of Object.entries(context)) lines.push(`${name}: ${value}`);
  if (failure.stack) lines.push("", failure.stack);
  return lines.join("\n");
}
