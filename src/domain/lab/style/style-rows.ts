// Texts of a style (JSON Lines, a JSON list, CSV):
//   {"neutral", "styled", "instruction"?, "group"?, "id"?}   one text in both ways: what is learnt, and what is asked afterwards
//   {"styled"}    a text of the style alone: learnt by copying it, as the rewriting of itself
//   {"neutral"}   a plain text alone: not learnt; it shows the classifier what the style is not, and is asked
// "instruction" stands in the place of ours ("" for none); rows without "group" are groups by their neutral text. Plain and
// styled texts are both needed: without either no classifier can tell them apart.
import { comparable } from "../../data/leaks.ts";
import type { JsonRow } from "../../formats/datasets/json-rows.ts";
import { rowError } from "../../formats/datasets/row-report.ts";
import type { LabExample, LabRead } from "../lab-task.ts";
import { idOf, keyOf, optionalText, readLabRows, textOrEmpty, type LabReadOptions } from "../lab-rows.ts";

export interface StyleExample extends LabExample {
  readonly neutral?: string; // one of the two at least
  readonly styled?: string;
  readonly instruction?: string;
}

const NEUTRAL = ["neutral", "plain", "source", "input"];
const STYLED = ["styled", "target", "output", "text"];
const KNOWN = [...NEUTRAL, ...STYLED, "instruction", "group", "id"];

/** Errors name file and line: E_FIELD (a row without text; a file with one kind only) and those of readLabRows. */
export function readStyleRows(
  file: string,
  bytes: Uint8Array,
  options?: LabReadOptions,
): LabRead<StyleExample> {
  const found = readLabRows(file, bytes, KNOWN, styleExample, options);
  const missing = (["neutral", "styled"] as const).find((key) =>
    found.examples.every((example) => example[key] === undefined),
  );
  if (missing === undefined) return found;
  const other =
    missing === "neutral" ? "the style could not be told from others" : "there is no style to learn";
  throw rowError(
    "E_FIELD",
    file,
    found.examples[0]!.line,
    `no row has a "${missing}" text; without any ${other}`,
  );
}

function styleExample(row: JsonRow): StyleExample {
  const [neutral, styled] = [optionalText(row, NEUTRAL), optionalText(row, STYLED)];
  if (neutral === undefined && styled === undefined)
    throw row.error("E_FIELD", `"neutral" and "styled" are both missing; give one at least`);
  const instruction = textOrEmpty(row, "instruction");
  return {
    id: idOf(row),
    line: row.line,
    group: keyOf(row, ["group"]) === undefined ? comparable(neutral ?? styled!) : row.text("group"),
    ...(neutral === undefined ? {} : { neutral }),
    ...(styled === undefined ? {} : { styled }),
    ...(instruction === undefined ? {} : { instruction }),
  };
}
