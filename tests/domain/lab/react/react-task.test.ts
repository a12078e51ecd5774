import { expect, test } from "vitest";
import { renderedRows } from "../../../../src/domain/chat/rendered-row.ts";
import { readReactRows } from "../../../../src/domain/lab/react/react-rows.ts";
import { reactTask } from "../../../../src/domain/lab/react/react-task.ts";
import { observed } from "../../../../src/domain/lab/react/sandbox.ts";
import { parsedStep, type ActionStep } from "../../../../src/domain/lab/react/steps.ts";
import { jsonLines } from "../reference.ts";
import { lastMessage, ScriptedModel } from "../scripted-model.ts";

const TOOLS = [
  {
    name: "lookup",
    sandbox: { kind: "lookup", argument: "key", table: { K3: "5", k4: "6" }, otherwise: "unknown key" },
  },
  { name: "calculator", sandbox: { kind: "calculator", argument: "expression" } },
  { name: "times", sandbox: { kind: "formula", formula: "a * b" } },
  {
    name: "sql",
    sandbox: {
      kind: "sqlite",
      schema: "CREATE TABLE t (a INT, b TEXT)",
      rows: {
        t: [
          [1, "x"],
          [2, "y"],
        ],
      },
    },
  },
  { name: "memory" },
];
const call = (tool: string, input: unknown): string =>
  `Action: ${tool}\nAction Input: ${JSON.stringify(input)}`;
const TRACE = [
  call("lookup", { key: "k3" }),
  "Observation: 5",
  call("calculator", { expression: "5 * 2" }),
  "Observation: 10",
  "Thought: done\nAnswer: 10",
].join("\n");
const { examples } = readReactRows(
  "t.jsonl",
  jsonLines({ tools: TOOLS }, { question: "k3 twice?", trace: TRACE }),
);
const [example] = examples;

test("tools answer by table, by arithmetic, by SQL, and by what the trace observed", async () => {
  const memory = { question: "?", trace: `${call("memory", { q: "Who?" })}\nObservation: Ann\nAnswer: Ann` };
  const own = readReactRows("t.jsonl", jsonLines({ tools: TOOLS }, memory)).examples[0]!;
  const says = (tool: string, input: unknown): Promise<string> =>
    observed(own, parsedStep(call(tool, input)) as ActionStep);
  expect(await says("lookup", { key: "k3" })).toBe("5");
  expect(await says("lookup", { key: "k9" })).toBe("unknown key");
  expect(await says("calculator", { expression: "(1 + 2) / 4" })).toBe("0.75");
  expect(await says("calculator", { expression: "1 / 0" })).toBe("Error: calculator: a division by zero");
  expect(await says("times", { a: 6, b: "7" })).toBe("42");
  expect(await says("times", { a: 6 })).toMatch(/^Error: .*"b" is not known/);
  expect(await says("sql", { query: "SELECT count(*) FROM t" })).toBe("2");
  expect(await says("sql", { query: "SELECT a, b FROM t ORDER BY a" })).toBe("a | b\n1 | x\n2 | y");
  expect(await says("sql", { query: "DROP TABLE t" })).toMatch(/^Error: SQL/);
  expect(await says("memory", { q: " who? " })).toBe("Ann");
  expect(await says("memory", { q: "What?" })).toBe("Error: nothing is known about this input");
  expect(await says("email", {})).toMatch(/^Error: no tool "email"; there are lookup, calculator/);
});

/** An agent that looks up, calculates and answers; `wrong` changes its words at a step. */
function agent(wrong: Readonly<Record<number, string>> = {}): ScriptedModel {
  return new ScriptedModel({
    answer: (prompt) => {
      const step = prompt.split("Observation:").length - 1;
      const observation = lastMessage(prompt).replace("Observation: ", "");
      const own = [
        call("lookup", { key: "k3" }),
        call("calculator", { expression: `${observation} * 2` }),
        `Thought: done\nAnswer: ${observation}`,
      ];
      return wrong[step] ?? own[Math.min(step, 2)]!;
    },
  });
}

test("an agent that follows the trace makes exact steps and succeeds with the sandbox", async () => {
  const model = agent();
  const [answer] = await reactTask.examine(model, examples, {});
  expect(answer!.measures).toEqual({
    ...{ formatValid: 1, exactStep: 1, toolAccuracy: 1, argumentAccuracy: 1 },
    ...{ taskSuccess: 1, loopRate: 0, steps: 3 },
  });
  expect(answer!.detail!["trajectory"]).toMatchObject({
    ended: "answer",
    answer: "10",
    observations: ["5", "10"],
  });
  expect(model.asked.every(({ settings }) => settings.stop?.includes("Observation:"))).toBe(true);
  expect(model.asked).toHaveLength(3 + 2); // the first step is the same for both
});

test("an agent that writes the observation itself is stopped there", async () => {
  const model = agent({ 0: `${call("lookup", { key: "k3" })}\nObservation: 99\nAnswer: 99` });
  const [answer] = await reactTask.examine(model, examples, {});
  expect(answer!.measures).toMatchObject({ exactStep: 1, taskSuccess: 1 });
});

test("an agent that makes one call again and again loops, and stops after six steps", async () => {
  const same = call("lookup", { key: "k3" });
  const model = new ScriptedModel({ answer: () => same });
  const [answer] = await reactTask.examine(model, examples, {});
  expect(answer!.measures).toMatchObject({
    taskSuccess: 0,
    loopRate: 1,
    steps: 6,
    toolAccuracy: 0.5,
    formatValid: 1,
  });
  expect(answer!.measures["exactStep"]).toBeCloseTo(1 / 3, 12);
  expect(answer!.detail!["trajectory"]).toMatchObject({ ended: "steps", answer: null });
});

test("words that are no step end the trajectory", async () => {
  const [answer] = await reactTask.examine(agent({ 1: "I am lost." }), examples, {});
  expect(answer!.measures).toMatchObject({ taskSuccess: 0, steps: 2, loopRate: 0 });
  expect(answer!.measures["formatValid"]).toBeCloseTo(2 / 3, 12);
  expect(answer!.detail!["trajectory"]).toMatchObject({ ended: "unreadable" });
});

test("each step is asked by the prompt that it is taught with", async () => {
  const model = agent();
  await reactTask.examine(model, examples, {});
  for (const [place, conversation] of reactTask.conversations(example!).entries()) {
    const [row] = renderedRows(model.format, conversation);
    const text = model.format.tokenizer.decode([...row!.ids]);
    expect(text.startsWith(model.asked[place]!.prompt), String(place)).toBe(true);
    const learnt = row!.ids.filter((_, at) => row!.supervised[at]);
    expect(model.format.tokenizer.decode([...learnt])).toBe(
      `${conversation.messages.at(-1)!.content}<|im_end|>`,
    );
  }
});
