import { expect, describe, test } from "vitest";
import { readRouterData, writeRouterData } from "../../../src/domain/formats/router-data.ts";
import { refusal } from "./refusal.ts";

const choices = [
  { id: "stock", name: "Stock", description: "what is on the shelf" },
  { id: "trips", name: "Trips", description: "trains and hotels" },
];
const wanted = {
  choices,
  examples: [
    { id: "e1", text: "any relays left", choices: ["stock"] },
    { id: "e2", text: "when does my train leave", choices: ["trips"], group: "trains" },
    { id: "e3", text: "who won the match", choices: [] },
  ],
};
const read = (content: string, name = "router.json") => readRouterData([{ name, content }]).dataset;
const plain = (dataset: ReturnType<typeof read>) => ({
  choices: dataset.choices,
  examples: dataset.examples.map(({ origin: _origin, ...example }) => example),
});

test("JSON written reads back the same, with where it came from", () => {
  const dataset = read(writeRouterData(wanted));
  expect(plain(dataset)).toEqual(wanted);
  expect(dataset.examples[0]!.origin).toEqual({ kind: "imported", detail: "router.json" });
});

test("JSON Lines and two CSV files say the same", () => {
  const lines = [...choices, ...wanted.examples].map((row) => `${JSON.stringify(row)}\n`).join("");
  expect(plain(read(lines))).toEqual(wanted);
  const { dataset } = readRouterData([
    {
      name: "examples.csv",
      content:
        "id,text,choices,group\ne1,any relays left,stock,\ne2,when does my train leave,trips,trains\ne3,who won the match,,\n",
    },
    {
      name: "choices.csv",
      content: "id,name,description\nstock,Stock,what is on the shelf\ntrips,Trips,trains and hotels\n",
    },
  ]);
  expect(plain(dataset)).toEqual(wanted);
});

test("several right choices, missing names and missing ids are filled in", () => {
  const { dataset } = readRouterData([
    { name: "c.csv", content: "id,description\na,first\nb,second\n" },
    { name: "e.csv", content: "id,text,choices\n,both,a|b\ne1,one,a\n" },
  ]);
  expect(dataset.choices[0]).toEqual({ id: "a", name: "a", description: "first" });
  expect(dataset.examples.map(({ id, choices: right }) => [id, right])).toEqual([
    ["e2", ["a", "b"]],
    ["e1", ["a"]],
  ]);
});

test("LlamaIndex's dataset of descriptions is read as choices", () => {
  const dataset = read(
    '{"queries": {"q": "text"}, "corpus": {"a": "first", "b": "second"}, "relevant_docs": {"q": ["b"]}, "mode": "text"}',
  );
  expect(dataset.choices.map(({ description }) => description)).toEqual(["first", "second"]);
  expect(dataset.examples[0]!.choices).toEqual(["b"]);
});

test("examples of one text are warned about", () => {
  const twice = {
    choices,
    examples: [wanted.examples[0]!, { ...wanted.examples[0]!, id: "e9", text: " Any RELAYS left" }],
  };
  const { warnings } = readRouterData([{ name: "r.json", content: writeRouterData(twice) }]);
  expect(warnings).toMatchObject([{ code: "duplicate-text", count: 1 }]);
});

describe("a bad row refuses everything, with its line", () => {
  const json = (examples: string) =>
    `{"choices": [{"id": "a", "description": "x"}],\n"examples": [\n${examples}\n]}`;
  test.each([
    ["an unknown choice", json('{"text": "t", "choices": ["z"]}'), "E_REFERENCE", "line 3", "z"],
    [
      "an example id twice",
      json('{"id": "1", "text": "t", "choices": []},\n{"id": "1", "text": "u", "choices": []}'),
      "E_DUPLICATE",
      "line 4",
    ],
    [
      "a choice id twice",
      '{"choices": [{"id": "a", "description": "x"},\n{"id": "a", "description": "y"}], "examples": []}',
      "E_DUPLICATE",
      "line 2",
    ],
    ["no choices named", json('{"text": "t"}'), "E_FIELD", "line 3", "choices"],
    ["a blank text", json('{"text": " ", "choices": ["a"]}'), "E_EMPTY", "line 3"],
    ["a choice that is no text", json('{"text": "t", "choices": [1]}'), "E_FIELD", "line 3"],
    ["an example without text", json('{"choices": ["a"]}'), "E_FIELD", "text"],
    ["no examples", '{"choices": [{"id": "a", "description": "x"}]}', "E_EMPTY", "examples"],
    ["another JSON", '{"rows": []}', "E_FIELD", "choices"],
    ["a CSV of something else", "a,b\n1,2\n", "E_CSV_COLUMNS", "description"],
  ] as const)("%s", (_name, text, code, ...words) => {
    refusal(() => read(text, "router.json"), code, "router.json", ...words);
  });
});
