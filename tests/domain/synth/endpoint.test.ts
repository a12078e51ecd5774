import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { endpointGenerator, type EndpointOptions } from "../../../src/domain/synth/endpoint.ts";
import { Secret } from "../../../src/domain/synth/secret.ts";
import { laterRefusal, refusal } from "../formats/refusal.ts";

interface Asked {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: { model: string; messages: { role: string; content: string }[]; stream: boolean };
}
type Act = (response: ServerResponse, asked: Asked) => void;

const answer =
  (content: string): Act =>
  (response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ choices: [{ message: { role: "assistant", content } }] }));
  };
const status =
  (code: number, body = "{}", headers: Record<string, string> = {}): Act =>
  (response) => {
    response.writeHead(code, headers).end(body);
  };
const stall: Act = () => undefined; // never answers
const dropped: Act = (response) => void response.socket?.destroy();

const GOOD = answer("1. What is it?\n2. Why is it?");
let script: Act[] = [];
let asked: Asked[] = [];
const server = createServer((request: IncomingMessage, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(parts).toString("utf8")) as Asked["body"];
    asked.push({ url: request.url ?? "", authorization: request.headers.authorization, body });
    (script.shift() ?? GOOD)(response, asked.at(-1)!);
  });
});
let base = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  script = [];
  asked = [];
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const teacher = (options: Partial<EndpointOptions> = {}) =>
  endpointGenerator({
    baseUrl: `${base}/v1`,
    model: "llama",
    fetch: (url, init) => fetch(url, init),
    backoffMs: 1,
    ...options,
  });
const passage = { id: "p", text: "Braces {like} these." };
const texts = async (generator = teacher()) =>
  (await generator.generate(passage, 2)).map((question) => question.text);

test("asks the chat endpoint as OpenAI's contract has it, with the passage in the prompt", async () => {
  expect(await texts()).toEqual(["What is it?", "Why is it?"]);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ url: "/v1/chat/completions", authorization: undefined });
  expect(asked[0]!.body).toMatchObject({ model: "llama", stream: false, messages: [{ role: "user" }] });
  expect(asked[0]!.body.messages[0]!.content).toContain("Braces {like} these.");
  await texts(teacher({ baseUrl: `${base}/v1/chat/completions/`, key: new Secret("sk-1") }));
  expect(asked[1]).toMatchObject({ url: "/v1/chat/completions", authorization: "Bearer sk-1" });
});

test("either parser can be chosen", async () => {
  script = [answer("Sure:\n1. A b?"), answer("Sure:\n1. A b?")];
  expect(await texts(teacher({ parser: "compatible" }))).toEqual(["Sure:", "A b?"]);
  expect(await texts()).toEqual(["A b?"]);
});

test("what passes is tried again: busy, broken, dropped, rubbish, no question", async () => {
  const failures: Act[] = [
    status(429, "slow down"),
    status(503),
    dropped,
    status(200, "<html>proxy</html>"),
    status(200, '{"error": "x"}'),
    answer("I would rather not."),
  ];
  for (const failure of failures) {
    script = [failure, failure, GOOD];
    asked = [];
    expect(await texts()).toEqual(["What is it?", "Why is it?"]);
    expect(asked).toHaveLength(3);
  }
});

test("after three attempts the last reason is told, with the numbers", async () => {
  const cases: [Act, string][] = [
    [status(500, "out of memory"), "answered 500"],
    [dropped, "is it running?"],
    [status(200, "rubbish"), "no JSON"],
    [status(200, "[]"), "choices[0]"],
    [answer("No."), 'no question in the answer: "No."'],
  ];
  for (const [failure, words] of cases) {
    script = [failure, failure, failure, GOOD];
    await laterRefusal(() => texts(), "network", words, "attempt 3 of 3", base);
  }
});

test("a server that stalls is given up after the timeout, each attempt by itself", async () => {
  script = [stall, GOOD];
  expect(await texts(teacher({ timeoutMs: 80 }))).toEqual(["What is it?", "Why is it?"]);
  script = [stall, stall];
  await laterRefusal(
    () => texts(teacher({ timeoutMs: 40, attempts: 2 })),
    "network",
    "no answer within 0.04 s",
  );
});

test("a server that stalls in the middle of its answer is given up as well", async () => {
  script = [(response) => void response.writeHead(200).write('{"choices": [')];
  await laterRefusal(() => texts(teacher({ timeoutMs: 60, attempts: 1 })), "network", "no answer within");
});

test("an answer without end is cut", async () => {
  script = [(response) => void response.end("x".repeat(1_500_000))];
  await laterRefusal(() => texts(teacher({ attempts: 1 })), "network", "longer than 1 MB");
});

test("what will not pass is not tried again: wrong key, wrong model", async () => {
  script = [status(401, '{"error": "bad key sk-secret"}')];
  const error = await laterRefusal(
    () => texts(teacher({ key: new Secret("sk-secret") })),
    "usage",
    "answered 401",
    "check the key",
    "***",
  );
  expect(error.message).not.toContain("sk-secret");
  script = [status(404, "no such model")];
  await laterRefusal(() => texts(), "usage", "check address and model");
  expect(asked).toHaveLength(2);
});

test("redirects are not followed: the person named one address", async () => {
  script = [status(302, "", { location: `${base}/elsewhere` })];
  await laterRefusal(() => texts(teacher({ attempts: 1 })), "network");
  expect(asked.map(({ url }) => url)).toEqual(["/v1/chat/completions"]);
});

test("Retry-After takes the place of the own pause, here one of a minute", async () => {
  script = [status(429, "", { "retry-after": "0.1" })];
  await texts(teacher({ backoffMs: 60_000 }));
  expect(asked).toHaveLength(2);
});

test("cancelling ends a waiting attempt and a pause at once", async () => {
  for (const first of [stall, status(503)]) {
    script = [first];
    asked = [];
    const controller = new AbortController();
    const pending = teacher({ backoffMs: 60_000 }).generate(passage, 2, controller.signal);
    while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    setTimeout(() => controller.abort(), 20);
    await laterRefusal(() => pending, "cancelled");
  }
});

test("a wrong address or template fails before anything is asked", () => {
  for (const baseUrl of [
    "localhost:11434",
    "ftp://host/v1",
    "file:///etc/passwd",
    "http://user:pw@host/v1",
    "",
  ]) {
    refusal(() => teacher({ baseUrl }), "usage", "http://host:port/v1");
  }
  refusal(() => teacher({ template: "no place for it" }), "usage", "{context_str}");
});

test("what decides the questions is in the identity, the key is not", () => {
  const identity = teacher({ key: new Secret("sk-secret") }).identity;
  expect(identity).not.toContain("sk-secret");
  for (const other of [
    { model: "qwen" },
    { parser: "compatible" },
    { template: "x {context_str}" },
    { temperature: 1 },
  ] as const) {
    expect(teacher(other).identity).not.toBe(identity);
  }
});
