import { RetuneError } from "../src/engine/errors.ts";

/** What a command accepts besides its positional arguments. */
export interface OptionShape {
  readonly required?: boolean;
  readonly value: string; // how --help names it: "DIR"; "" for a switch that takes none
  readonly help: string;
}

export interface CommandShape {
  readonly usage: string; // after "retune "
  readonly summary: string;
  readonly positionals: { readonly name: string; readonly atLeast: number; readonly atMost: number };
  readonly options: Readonly<Record<string, OptionShape>>;
  readonly details?: string;
}

export interface Arguments {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string>>;
  readonly help: boolean;
}

/** Reads `--name value` and `--name=value`; everything else is positional. Throws "usage" naming what is off. */
export function parseArguments(name: string, shape: CommandShape, argv: readonly string[]): Arguments {
  const positionals: string[] = [];
  const options: Record<string, string> = {};
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!;
    if (word === "--help" || word === "-h") return { positionals, options, help: true };
    if (!word.startsWith("--")) {
      positionals.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const option = word.slice(2, equals < 0 ? undefined : equals);
    requireKnown(name, shape, option);
    if (shape.options[option]!.value === "") {
      options[option] = switchOf(name, option, equals < 0 ? "true" : word.slice(equals + 1));
      continue;
    }
    const value = equals < 0 ? argv[++index] : word.slice(equals + 1);
    if (value === undefined) throw new RetuneError("usage", `--${option} needs a value (${hint(name)})`);
    options[option] = value;
  }
  requireComplete(name, shape, positionals, options);
  return { positionals, options, help: false };
}

function switchOf(name: string, option: string, value: string): string {
  if (value === "true") return value;
  throw new RetuneError("usage", `--${option} takes no value (${hint(name)})`);
}

function hint(name: string): string {
  return `see "retune ${name} --help"`;
}

function requireKnown(name: string, shape: CommandShape, option: string): void {
  if (Object.hasOwn(shape.options, option)) return;
  const known = Object.keys(shape.options).map((key) => `--${key}`);
  const list = known.length === 0 ? "it has no options" : `known: ${known.join(", ")}`;
  throw new RetuneError("usage", `retune ${name} has no option --${option}; ${list}`);
}

function requireComplete(
  name: string,
  shape: CommandShape,
  positionals: readonly string[],
  options: Readonly<Record<string, string>>,
): void {
  const { atLeast, atMost, name: label } = shape.positionals;
  if (positionals.length < atLeast) {
    throw new RetuneError("usage", `retune ${name} needs ${label}; usage: retune ${shape.usage}`);
  }
  if (positionals.length > atMost) {
    const extra = positionals[atMost]!;
    throw new RetuneError("usage", `retune ${name} does not take "${extra}"; usage: retune ${shape.usage}`);
  }
  for (const [option, { required, value }] of Object.entries(shape.options)) {
    if (required && options[option] === undefined) {
      throw new RetuneError(
        "usage",
        `retune ${name} needs --${option} ${value}; usage: retune ${shape.usage}`,
      );
    }
  }
}

/** The text of `retune NAME --help`. */
export function helpOf(shape: CommandShape): string {
  const rows = Object.entries(shape.options).map(
    ([name, { value, help }]) => [`--${name} ${value}`.trim(), help] as const,
  );
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  const lines = [`usage: retune ${shape.usage}`, "", shape.summary];
  if (rows.length > 0) lines.push("", ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`));
  if (shape.details) lines.push("", shape.details);
  return lines.join("\n");
}
