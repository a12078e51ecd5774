import { readCallRows, type CallExample } from "../../../../src/domain/lab/calls/call-rows.ts";

export const ALARM = {
  name: "set_alarm",
  description: "Wakes somebody.",
  parameters: {
    type: "object",
    properties: {
      hour: { type: "integer", minimum: 0, maximum: 23 },
      label: { type: "string" },
      days: { type: "array", items: { enum: ["mon", "tue"] } },
    },
    required: ["hour"],
    additionalProperties: false,
  },
};

export const TAXI = {
  name: "book_taxi",
  parameters: { type: "object", properties: { place: { type: "string" } } },
};

export const ALBUM = {
  type: "object",
  properties: {
    name: { type: "string" },
    songs: {
      type: "array",
      items: {
        type: "object",
        properties: { title: { type: "string" }, length_seconds: { type: "integer" } },
        required: ["title", "length_seconds"],
      },
    },
  },
  required: ["name", "songs"],
};

export function called(name: string, given: object, id = "call00001"): object {
  return { id, type: "function", function: { name, arguments: JSON.stringify(given) } };
}

export function chatRow(
  user: string,
  answer: object | string,
  functions: readonly object[] = [ALARM, TAXI],
): object {
  const said = typeof answer === "string" ? { content: answer } : { tool_calls: [answer] };
  return {
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: user },
      { role: "assistant", ...said },
    ],
    tools: functions.map((own) => ({ type: "function", function: own })),
  };
}

export function examplesOf(...rows: readonly object[]): readonly CallExample[] {
  return readCallRows("rows.jsonl", linesOf(...rows)).examples;
}

export function linesOf(...rows: readonly object[]): Uint8Array {
  return new TextEncoder().encode(rows.map((row) => JSON.stringify(row)).join("\n"));
}
