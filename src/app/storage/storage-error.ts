import { RetuneError } from "../../engine/errors.ts";

// Names that browsers give when the disk is full, or so broken that the difference cannot be told: on a full disk
// Chromium aborts with DataError, a damaged store answers UnknownError or NotReadableError, Safari aborts with null.
const BROKEN = new Set(["DataError", "UnknownError", "NotReadableError", "AbortError", "InvalidStateError"]);

/** True where the connection is gone and opening it again may help. */
export function isConnectionLost(error: unknown): boolean {
  if (nameOf(error) === "InvalidStateError") return true;
  return (
    error instanceof Error && /connection (is closing|to Indexed Database server lost)/i.test(error.message)
  );
}

/** What IndexedDB threw, as a RetuneError with the next move; `what` says what was being done. */
export function storageError(error: unknown, what: string): Error {
  if (error instanceof RetuneError) return error;
  const name = nameOf(error);
  const options = error === null || error === undefined ? {} : { cause: error };
  if (name === "QuotaExceededError") {
    const text = `Storage is full: ${what} was not saved; what was saved before is intact. Free space, then resume.`;
    return new RetuneError("storage-full", text, {}, options);
  }
  if (name === "VersionError") {
    const text = "This browser's data was written by a newer Retune. Reload to get the new version.";
    return new RetuneError("storage-blocked", text, {}, options);
  }
  if (name === null || BROKEN.has(name)) {
    const reason = name === null ? "the browser gave no reason" : `${name}: ${messageOf(error)}`;
    const text = `Storage is full or broken: ${what} was not done (${reason}). Free disk space or export, then reload.`;
    return new RetuneError("storage-broken", text, {}, options);
  }
  return error instanceof Error ? error : new Error(messageOf(error));
}

function nameOf(error: unknown): string | null {
  if (typeof error !== "object" || error === null) return null;
  return "name" in error && typeof error.name === "string" ? error.name : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
