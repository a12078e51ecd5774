import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `node cli/NAME.mjs …` as a person would. */
export function runCli(name: "retune" | "parity", ...argv: readonly string[]): Outcome {
  return runCliIn({}, name, ...argv);
}

/** The same with variables of its own. */
export function runCliIn(
  variables: NodeJS.ProcessEnv,
  name: "retune" | "parity",
  ...argv: readonly string[]
): Outcome {
  const result = spawnSync(process.execPath, [`${root}/cli/${name}.mjs`, ...argv], {
    encoding: "utf8",
    env: { ...process.env, RETUNE_RESTARTED: undefined, ...variables },
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** What a command said on stderr, line by line. */
export function errorLines({ stderr }: Outcome): readonly string[] {
  return stderr.split("\n").filter((line) => line !== "");
}
