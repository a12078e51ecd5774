import { expect, test } from "vitest";
import { RetuneError } from "../../src/engine/errors.ts";
import { diagnosticsOf, failureOf, messageInRow, placeOf } from "../../src/ui/failure.ts";
import { failureText } from "../../src/ui/messages/failures.ts";
import { ALL_QUESTIONS, aroundSentence, filterQuestions } from "../../src/ui/review.ts";
import { sampleQuestions } from "./fake-data.ts";

test("an error of the program keeps its code and place, anything else is a defect", () => {
  const coded = failureOf(new RetuneError("E_JSON", "a } is missing", { file: "faq.json", line: 3 }));
  expect(coded).toEqual({ code: "E_JSON", message: "a } is missing", place: { file: "faq.json", line: 3 } });
  expect(placeOf(coded)).toBe("faq.json, line 3");
  expect(failureOf(new TypeError("x is undefined")).code).toBe("defect");
  expect(failureOf("gone").message).toBe("gone");
});

test("below a file's name its message does not say the name again", () => {
  const place = { file: "faq.json", line: 3 };
  expect(messageInRow({ code: "E_JSON", message: "faq.json: line 3: no }", place })).toBe("line 3: no }");
  expect(messageInRow({ code: "E_JSON", message: "no }", place })).toBe("no } (faq.json, line 3)");
  expect(messageInRow({ code: "E_JSON", message: ": no }", place: {} })).toBe(": no }");
});

test("failures of a run name their one-click remedy", () => {
  expect(failureText("device-lost").remedy?.kind).toBe("resume");
  expect(failureText("no-webgpu").remedy?.kind).toBe("cpu-mode");
  expect(failureText("storage-full").remedy?.kind).toBe("storage");
  expect(failureText("not-finite").remedy?.kind).toBe("slower");
  expect(failureText("too-little-data").remedy?.kind).toBe("more-questions");
  expect(failureText("model-missing").remedy?.kind).toBe("model-folder");
});

test("diagnostics carry code, place and context", () => {
  const text = diagnosticsOf(
    { code: "hung", message: "no progress", place: { byte: 7 } },
    { device: "SwiftShader" },
  );
  expect(text.split("\n")).toEqual([
    "code: hung",
    "message: no progress",
    "place: byte 7",
    "device: SwiftShader",
  ]);
});

test("the source sentence of a question is marked in its passage, or nothing is", () => {
  expect(aroundSentence("One. Two. Three.", "Two.")).toEqual(["One. ", "Two.", " Three."]);
  expect(aroundSentence("One.", "Four.")).toEqual(["One.", "", ""]);
});

test("questions are filtered by state, part and words together", () => {
  const wanted = { ...ALL_QUESTIONS, state: "rejected", split: "test", words: "KETTLE" } as const;
  const found = filterQuestions(sampleQuestions(), wanted);
  expect(found.length).toBeGreaterThan(0);
  expect(found.every((question) => question.state === "rejected" && question.split === "test")).toBe(true);
});
