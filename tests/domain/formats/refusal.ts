import { RetuneError, type ErrorCode } from "../../../src/engine/errors.ts";

/** Runs what must be refused and gives its error; fails unless that is a RetuneError with the code and all the words. */
export function refusal(run: () => unknown, code: ErrorCode, ...words: readonly string[]): RetuneError {
  try {
    run();
  } catch (error) {
    return checked(error, code, words);
  }
  throw new Error(`nothing was refused; expected ${code}`);
}

export async function laterRefusal(
  run: () => Promise<unknown>,
  code: ErrorCode,
  ...words: readonly string[]
): Promise<RetuneError> {
  try {
    await run();
  } catch (error) {
    return checked(error, code, words);
  }
  throw new Error(`nothing was refused; expected ${code}`);
}

function checked(error: unknown, code: ErrorCode, words: readonly string[]): RetuneError {
  if (!(error instanceof RetuneError)) throw error;
  if (error.code !== code) throw new Error(`expected ${code}, got ${error.code}: ${error.message}`);
  for (const word of words) {
    if (!error.message.includes(word)) throw new Error(`"${word}" is missing in: ${error.message}`);
  }
  return error;
}
