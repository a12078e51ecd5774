import type { ChatMessage } from "../../../../src/domain/formats/datasets/chat.ts";
import type {
  ChatData,
  DatasetFiles,
  RetrievalData,
  ScoredData,
} from "../../../../src/domain/formats/datasets/dataset-format.ts";
import type { Query } from "../../../../src/domain/data/dataset.ts";
import { CounterRandom } from "../../../../src/domain/random.ts";

const PIECES = [
  ...[
    "fare",
    "Straße",
    "naïve",
    "日本語",
    "😀🏁",
    "a\tb",
    "line\nbreak",
    'he said "no"',
    "comma, semicolon; bar|",
  ],
  ...[
    "=1+1",
    "-5 °C",
    "'quoted",
    "back\\slash",
    "\u2028",
    "</script>",
    "ﬁ",
    "e\u0301",
    "__proto__",
    "42",
    "{}",
  ],
];

/** A text of a few pieces that no other call with another number gives. */
export function seededText(random: CounterRandom, number: number): string {
  const pieces = Array.from({ length: 1 + random.below(4) }, () => PIECES[random.below(PIECES.length)]!);
  return `${pieces.join(" ")} №${number}`;
}

/**
 * Questions with several graded right passages of one document each, some with wrong passages, passages of no question,
 * documents, splits and instructions; every text is there once.
 */
export function seededRetrieval(seed: number): RetrievalData {
  const random = new CounterRandom(seed);
  const passages = Array.from({ length: 24 }, (_, index) => ({
    id: `${index % 3 === 0 ? "__proto__" : "doc"} ${index}`,
    text: seededText(random, index),
    document: `${index % 2 === 0 ? "Report é" : "2021"} ${Math.floor(index / 8)}`,
  }));
  const queries = Array.from({ length: 9 }, (_, index): Query => {
    const group = passages.filter(({ document }) => document === passages[index]!.document);
    const count = 1 + random.below(3);
    const relevant = group
      .slice(0, count)
      .map(({ id }, place) => ({ passage: id, grade: 1 + ((index + place) % 3) }));
    const others = passages.slice(8).filter(({ id }) => !relevant.some(({ passage }) => passage === id));
    const negatives = others.slice(0, index % 3).map(({ id }) => id);
    const own = negatives.length > 0 ? { negatives } : {};
    return { id: `${index}`, text: `${seededText(random, 100 + index)}?`, relevant, ...own };
  });
  const splits = ["train", "test"].map((name, place) => ({
    name,
    queries: queries.filter((_, index) => index % 2 === place).map(({ id }) => id),
  }));
  const prompts = new Map(queries.slice(0, 4).map(({ id }) => [id, "Represent this: "]));
  return { kind: "retrieval", dataset: { queries, passages }, splits, prompts };
}

/** Questions with texts and a teacher's scores, no two alike. */
export function seededScores(seed: number, scores: "labels" | "teacher"): ScoredData {
  const random = new CounterRandom(seed);
  const queries = Array.from({ length: 7 }, (_, index) => ({
    id: `s${index}`,
    text: seededText(random, index),
    group: `query:${index}`,
    candidates: Array.from({ length: 4 }, (_each, place) => {
      const share = (1 + random.below(999)) / 1000;
      const value = place === 0 ? 0.5 + share / 2 : share;
      return {
        text: seededText(random, 100 + 10 * index + place),
        score: scores === "labels" ? value : 10 * value - 4.5,
        kind: "given" as const,
      };
    }),
  }));
  return { kind: "scored", pairs: { scores, queries } };
}

/** Talks with instructions, several turns, calls of tools and of functions. */
export function seededChats(seed: number): ChatData {
  const random = new CounterRandom(seed);
  const text = (): string => seededText(random, random.below(1000));
  const functions = [
    {
      name: "weather",
      definition: '{"name":"weather","parameters":{"type":"object","properties":{"2":{},"1":{}}}}',
    },
  ];
  const plain = (): ChatMessage[] => [
    { role: "system", content: text() },
    { role: "user", content: text(), name: "Zoë" },
    { role: "assistant", content: text(), weight: 0 },
    { role: "user", content: text() },
    { role: "assistant", content: text() },
  ];
  const call = { name: "weather", arguments: '{"city": "Köln"}' };
  return {
    kind: "chats",
    chats: [
      { style: "plain", messages: plain() },
      {
        style: "tools",
        functions,
        messages: [
          { role: "user", content: text() },
          {
            role: "assistant",
            calls: [
              { id: "call_1", ...call },
              { id: "call_2", ...call },
            ],
          },
          { role: "tool", content: text(), answers: "call_1" },
          { role: "tool", content: text(), answers: "call_2" },
          { role: "assistant", content: text() },
        ],
      },
      {
        style: "functions",
        functions,
        messages: [
          { role: "user", content: text() },
          { role: "assistant", calls: [call] },
        ],
      },
      { style: "plain", messages: plain().slice(1) },
    ],
  };
}

/** One file by name. */
export function fileOf(name: string, text: string): DatasetFiles {
  return new Map([[name, new TextEncoder().encode(text)]]);
}

/** The text of a file that was written. */
export function textOf(files: DatasetFiles, name: string): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(files.get(name));
}
