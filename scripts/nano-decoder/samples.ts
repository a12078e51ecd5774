import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { callRow } from "./call-rows.ts";
import { codeGrammar, codeRow, type CodeRow } from "./code-rows.ts";
import { Draw } from "./draw.ts";
import { everyFact } from "./fact-rows.ts";
import {
  distilRow,
  judgeRow,
  memoriseRows,
  raditRows,
  reactRow,
  reactTools,
  selectorRow,
  styleSample,
} from "./sample-rows.ts";
import { sqlRow } from "./sql-rows.ts";
import { HELD_OUT_TABLES, TRAINING_TABLES } from "./words.ts";

const SEED = 3;

type Put = (path: string, rows: readonly object[]) => void;

/** Writes public/samples/lab/<system>/: rows to train on, held-out ones, and what is replayed beside. */
export function main(_argv: readonly string[], { root }: { root: string }): number {
  const folder = join(root, "public", "samples", "lab");
  for (const [path, content] of sampleFiles()) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return 0;
}

/** Path under public/samples/lab → content; equal at every call. */
export function sampleFiles(): Map<string, string> {
  const files = new Map<string, string>();
  const put: Put = (path, rows) =>
    void files.set(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const both = (
    task: string,
    stream: number,
    sizes: readonly [number, number],
    make: (draw: Draw) => object,
  ): void => {
    const draw = new Draw(SEED, stream);
    const rows = distinct(draw, sizes[0] + sizes[1], make);
    put(`${task}/train.jsonl`, rows.slice(0, sizes[0]));
    put(`${task}/test.jsonl`, rows.slice(sizes[0]));
  };
  putSql(put);
  both("judge", 2, [600, 150], judgeRow);
  both("style", 3, [400, 100], styleSample);
  putSelector(put);
  both("sft", 5, [400, 100], distilRow);
  both("code", 6, [600, 150], (draw) => properly(draw, codeRow));
  both("function-calling", 7, [310, 90], callRow);
  files.set("code/grammar.ebnf", `${codeGrammar()}\n`);
  putReact(put);
  const draw = new Draw(SEED, 9);
  put("memorise/train.jsonl", memoriseRows(draw));
  const radit = raditRows(draw);
  put("ra-dit/train.jsonl", radit.slice(0, 110));
  put("ra-dit/test.jsonl", radit.slice(110));
  return files;
}

function putSql(put: Put): void {
  const sql = new Draw(SEED, 1);
  put(
    "text-to-sql/train.jsonl",
    distinct(sql, 900, () => sqlRow(sql, TRAINING_TABLES, "further")),
  );
  put(
    "text-to-sql/test.jsonl",
    distinct(sql, 200, () => sqlRow(sql, HELD_OUT_TABLES, "further")),
  );
  put(
    "text-to-sql/replay.jsonl",
    distinct(sql, 500, () => sqlRow(sql, TRAINING_TABLES, "simple")),
  );
}

/** Every fifth question is held out with all its choices: none that is judged was learnt. */
function putSelector(put: Put): void {
  const draw = new Draw(SEED, 4);
  const held = new Map<string, boolean>();
  const sides = { train: new Map<string, object>(), test: new Map<string, object>() };
  while (sides.train.size < 600 || sides.test.size < 150) {
    const row = selectorRow(draw);
    const question = String(row["question"]);
    if (!held.has(question)) held.set(question, held.size % 5 === 4);
    const [side, most] = held.get(question) ? [sides.test, 150] : [sides.train, 600];
    if (side.size < most) side.set(JSON.stringify(row), row);
  }
  for (const [name, rows] of Object.entries(sides)) put(`llm-selector/${name}.jsonl`, [...rows.values()]);
}

function putReact(put: Put): void {
  const draw = new Draw(SEED, 8);
  const world = everyFact(draw);
  const tools = reactTools(world);
  const rows = distinct(draw, 400, () => reactRow(draw, world));
  put("react/train.jsonl", [tools, ...rows.slice(0, 300)]);
  put("react/test.jsonl", [tools, ...rows.slice(300)]);
}

/** Programs without the one number whose English the generator gets wrong ("one steps"). */
function properly(draw: Draw, make: (draw: Draw) => CodeRow): CodeRow {
  for (;;) {
    const row = make(draw);
    if (!row.text.includes("one steps")) return row;
  }
}

/** Rows that all differ. */
function distinct<T extends object>(draw: Draw, count: number, make: (draw: Draw) => T): T[] {
  const rows = new Map<string, T>();
  while (rows.size < count) {
    const row = make(draw);
    rows.set(JSON.stringify(row), row);
  }
  return [...rows.values()];
}
