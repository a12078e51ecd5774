import { RetuneError } from "../src/engine/errors.ts";
import { helpOf, parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { applyCommand } from "./commands/apply.ts";
import { checkCommand } from "./commands/check.ts";
import { convertCommand } from "./commands/convert.ts";
import { curveCommand } from "./commands/curve.ts";
import { driftCommand } from "./commands/drift.ts";
import { embedCommand } from "./commands/embed.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { generateCommand } from "./commands/generate.ts";
import { logProxyCommand } from "./commands/log-proxy.ts";
import { modelsCommand } from "./commands/models.ts";
import { runCommand } from "./commands/run.ts";
import { teachCommand } from "./commands/teach.ts";
import { triageCommand } from "./commands/triage.ts";

const commands: Readonly<Record<string, Command>> = {
  run: runCommand,
  embed: embedCommand,
  evaluate: evaluateCommand,
  generate: generateCommand,
  teach: teachCommand,
  "log-proxy": logProxyCommand,
  check: checkCommand,
  convert: convertCommand,
  apply: applyCommand,
  models: modelsCommand,
  triage: triageCommand,
  curve: curveCommand,
  drift: driftCommand,
};

/** Codes of errors that are not the input's fault: they end with exit code 1 instead of 2. */
const RUNTIME_CODES = new Set([
  "device-lost",
  "out-of-memory",
  "no-webgpu",
  "hung",
  "not-finite",
  "storage-full",
  "storage-broken",
  "network",
]);

/** Runs one command and returns the exit code: 0 done, 1 it failed, 2 bad input, 130 interrupted. */
export async function main(argv: readonly string[], { root }: { readonly root: string }): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    (name === undefined ? process.stderr : process.stdout).write(`${overview()}\n`);
    return name === undefined ? 2 : 0;
  }
  try {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) {
      const known = Object.keys(commands).join(", ");
      throw new RetuneError("usage", `there is no command "${name}"; commands: ${known}`);
    }
    const parsed = parseArguments(name, command.shape, rest);
    if (parsed.help) process.stdout.write(`${helpOf(command.shape)}\n`);
    else await command.run(parsed, { root });
    return 0;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (!(error instanceof RetuneError)) {
    process.stderr.write(
      `retune: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return 1;
  }
  const { file, line } = error.place;
  const missing = file !== undefined && !error.message.includes(file);
  const where = missing ? `${file}${line === undefined ? "" : `:${line}`}: ` : "";
  process.stderr.write(`retune: ${where}${error.message.replaceAll(/\s*\n\s*/g, " ")}\n`);
  if (error.code === "cancelled") return 130;
  return RUNTIME_CODES.has(error.code) ? 1 : 2;
}

function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const rows = Object.entries(commands).map(
    ([name, command]) => `  ${name.padEnd(width)}  ${command.shape.summary}`,
  );
  return [
    "usage: retune COMMAND …",
    "",
    ...rows,
    "",
    'Each command explains itself: "retune run --help".',
  ].join("\n");
}
