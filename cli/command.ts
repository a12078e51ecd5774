import type { Arguments, CommandShape } from "./arguments.ts";

export interface CommandContext {
  readonly root: string; // the repository: models, WASM builds
}

/** One verb of the command line. `run` writes results to files or stdout and progress to stderr. */
export interface Command {
  readonly shape: CommandShape;
  run(input: Arguments, context: CommandContext): Promise<void>;
}
