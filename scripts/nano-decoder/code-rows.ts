import type { Draw } from "./draw.ts";
import { COLOURS, COUNTS, DIRECTIONS, THINGS } from "./words.ts";

export interface CodeRow {
  readonly text: string;
  readonly code: string;
}

/** The language of the rows' code, as xgrammar's EBNF. */
export function codeGrammar(): string {
  const words = (of: readonly string[]): string => of.map((word) => `"${word}"`).join(" | ");
  return [
    `root ::= command ("; " command)*`,
    `command ::= "move " direction " " [1-9] | "take " thing | "drop " thing | "paint " thing " " colour`,
    `direction ::= ${words(DIRECTIONS)}`,
    `thing ::= ${words(THINGS)}`,
    `colour ::= ${words(COLOURS)}`,
  ].join("\n");
}

/** What a robot is told, and its program: "move north 3; take lantern; paint gate red". */
export function codeRow(draw: Draw): CodeRow {
  const count = 1 + draw.below(3);
  const commands = Array.from({ length: count }, () => command(draw));
  const said = commands.map(([words]) => words).join(", then ");
  return {
    text: `${said[0]!.toUpperCase()}${said.slice(1)}.`,
    code: commands.map(([, code]) => code).join("; "),
  };
}

function command(draw: Draw): readonly [said: string, code: string] {
  const thing = draw.one(THINGS);
  switch (draw.below(4)) {
    case 0: {
      const [direction, steps] = [draw.one(DIRECTIONS), draw.below(COUNTS.length)];
      return [`go ${COUNTS[steps]!} steps ${direction}`, `move ${direction} ${steps + 1}`];
    }
    case 1:
      return [`pick up the ${thing}`, `take ${thing}`];
    case 2:
      return [`put down the ${thing}`, `drop ${thing}`];
    default: {
      const colour = draw.one(COLOURS);
      return [`make the ${thing} ${colour}`, `paint ${thing} ${colour}`];
    }
  }
}
