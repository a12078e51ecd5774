import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { EndpointEncoder } from "../../../src/app/encoders/endpoint-encoder.ts";
import { Secret } from "../../../src/domain/synth/secret.ts";

type Answer = (texts: readonly string[], response: ServerResponse, request: IncomingMessage) => void;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

interface Asked {
  readonly model: string;
  readonly input: readonly string[];
}

/** A real server on loopback; each request takes the next answer, the last one stays. */
async function endpoint(answers: Answer[]): Promise<{ url: string; seen: Asked[] }> {
  const seen: Asked[] = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const asked = JSON.parse(body) as Asked;
      seen.push(asked);
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
      answer(asked.input, response, request);
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/v1`, seen };
}

const vectorOf = (text: string): number[] => [text.length, 2 * text.length, 2 * text.length];

/** As OpenAI answers; out of order, which the format allows. */
const right: Answer = (texts, response) => {
  const data = texts.map((text, index) => ({ index, embedding: vectorOf(text) })).reverse();
  response.setHeader("content-type", "application/json").end(JSON.stringify({ data }));
};
const broken: Answer = (_, response) => response.writeHead(503).end("overloaded");

const open = (url: string, more = {}) =>
  EndpointEncoder.open({ url, model: "m", textsPerRequest: 2, timeoutMs: 300, ...more }, "hash");

test("texts go in requests of a fixed size and come back normalised, in their order", async () => {
  const { url, seen } = await endpoint([right]);
  const encoder = await open(url);
  expect(encoder.identity).toMatchObject({ name: "m", dimension: 3, hash: "hash" });
  const labels: (string | undefined)[] = [];
  const onProgress = ({ label }: { label?: string }) => void labels.push(label);
  const { values, rows } = await encoder.encode(["a", "bb", "ccc"], { onProgress });
  expect(rows).toBe(3);
  expect([...values]).toEqual([1, 2, 2, 1, 2, 2, 1, 2, 2].map((value) => Math.fround(value / 3)));
  expect(seen.map(({ input }) => input)).toEqual([["dimension"], ["a", "bb"], ["ccc"]]);
  expect(labels).toEqual(["2 of 3 texts", "3 of 3 texts"]);
});

test("an overloaded endpoint is asked again, a stalled one after its time", async () => {
  const stalled: Answer = () => undefined;
  const { url, seen } = await endpoint([right, broken, stalled, right]);
  const encoder = await open(url);
  expect((await encoder.encode(["a"])).rows).toBe(1);
  expect(seen).toHaveLength(4);
});

test("after three failures the error names the endpoint and what it said, never the key", async () => {
  const echo: Answer = (_, response, request) =>
    response.writeHead(500).end(`bad header ${request.headers.authorization ?? ""}`);
  const { url, seen } = await endpoint([right, echo]);
  const encoder = await open(url, { key: new Secret("sk-CANARY-1") });
  const failed = encoder.encode(["a"]);
  await expect(failed).rejects.toMatchObject({ code: "network" });
  await expect(failed).rejects.toThrow(/500: bad header Bearer \*\*\*/);
  expect(seen).toHaveLength(4);
});

test("a wrong key is not tried again", async () => {
  const { url, seen } = await endpoint([(_, response) => response.writeHead(401).end("no")]);
  await expect(open(url)).rejects.toMatchObject({ code: "usage", message: /401/ });
  expect(seen).toHaveLength(1);
});

test.each([
  ["fewer vectors than texts", { data: [] }],
  ["something else than numbers", { data: [{ index: 0, embedding: ["a"] }] }],
  ["no data at all", {}],
])("an answer with %s is refused", async (_, reply) => {
  const { url } = await endpoint([(_texts, response) => response.end(JSON.stringify(reply))]);
  await expect(open(url, { retries: 1 })).rejects.toMatchObject({ code: "network" });
});

test("vectors that change their size are refused", async () => {
  const wider: Answer = (texts, response) =>
    response.end(JSON.stringify({ data: texts.map((_, index) => ({ index, embedding: [1, 2] })) }));
  const { url } = await endpoint([right, wider]);
  const encoder = await open(url);
  await expect(encoder.encode(["a"])).rejects.toMatchObject({ code: "E_MISMATCH" });
});

test("a cancelled embedding stops waiting at once", async () => {
  const { url } = await endpoint([right, () => undefined]);
  const encoder = await open(url, { timeoutMs: 60_000 });
  const controller = new AbortController();
  const work = encoder.encode(["a"], { signal: controller.signal });
  setTimeout(() => controller.abort(), 20);
  await expect(work).rejects.toMatchObject({ code: "cancelled" });
});

test("nobody there: the error says what to look at", async () => {
  await expect(open("http://127.0.0.1:9/v1", { retries: 1 })).rejects.toThrow(/Is the server running/);
});
