import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { LogProxy, type LogProxyOptions } from "../../../cli/log-proxy/log-proxy.ts";

const KEY = "sk-test-0123456789abcdef";
type Answering = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

interface Stand {
  readonly proxy: LogProxy;
  readonly url: string; // of the proxy, up to /v1
  readonly lines: string[];
  readonly seen: { readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: string }[];
}

/** A proxy before an upstream that answers as it is told. */
async function stand(
  answering: Answering,
  options: Partial<LogProxyOptions> = {},
  path = "/v1",
): Promise<Stand> {
  const seen: Stand["seen"][number][] = [];
  const upstream = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      seen.push({ url: request.url!, headers: request.headers, body });
      answering(request, response, body);
    });
  });
  await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", done));
  const { port } = upstream.address() as AddressInfo;
  const lines: string[] = [];
  const proxy = new LogProxy({
    upstream: new URL(`http://127.0.0.1:${port}${path}`),
    record: (line) => lines.push(line) > 0,
    ...options,
  });
  const url = `http://127.0.0.1:${await proxy.listen(0)}/v1`;
  open.push(async () => {
    await proxy.close();
    upstream.closeAllConnections();
    upstream.close();
  });
  return { proxy, url, lines, seen };
}

const chat = (text: string, more: object = {}) =>
  JSON.stringify({ model: "m", messages: [{ role: "user", content: text }], ...more });
const post = (url: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/chat/completions`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
const says =
  (text: string): Answering =>
  (_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({ choices: [{ message: { role: "assistant", content: text }, finish_reason: "stop" }] }),
    );
  };
const event = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

test("a call goes on as it came, its answer comes back as it is, and both are one line", async () => {
  const { proxy, url, lines, seen } = await stand(says("In Lyon."));
  const answer = await post(url, chat("Where?", { temperature: 0.3 }), {
    authorization: `Bearer ${KEY}`,
    "x-mine": "1",
  });
  expect(await answer.json()).toMatchObject({ choices: [{ message: { content: "In Lyon." } }] });
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({ url: "/v1/chat/completions", body: chat("Where?", { temperature: 0.3 }) });
  expect(seen[0]!.headers).toMatchObject({ authorization: `Bearer ${KEY}`, "x-mine": "1" });
  expect(lines).toEqual([
    '{"messages": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "In Lyon."}]}',
  ]);
  expect(proxy.counts).toMatchObject({ written: 1, failed: 0, other: 0 });
});

test("a stream arrives piece by piece, before the upstream has ended, and is one line at its end", async () => {
  let goOn = (): void => undefined;
  const { url, lines } = await stand((_request, response) => {
    response.setHeader("content-type", "text/event-stream");
    const bytes = Buffer.from(event({ content: "Là" }));
    const half = bytes.indexOf(0xc3) + 1; // inside of "à"
    response.write(bytes.subarray(0, half));
    goOn = () => {
      response.write(bytes.subarray(half));
      response.end(`${event({ content: "-bas" })}${event({}, "stop")}data: [DONE]\n\n`);
    };
  });
  const answer = await post(url, chat("Où?", { stream: true }));
  const reader = answer.body!.getReader();
  const first = await reader.read();
  expect(first.value!.length).toBeGreaterThan(0);
  expect(lines).toEqual([]);
  goOn();
  let text = Buffer.from(first.value!).toString("latin1");
  for (let part = await reader.read(); !part.done; part = await reader.read())
    text += Buffer.from(part.value).toString("latin1");
  expect(text).toContain("[DONE]");
  expect(lines).toEqual([
    '{"messages": [{"role": "user", "content": "O\\u00f9?"}, {"role": "assistant", "content": "L\\u00e0-bas"}]}',
  ]);
});

test("no key is written, not even one that stands in a text, and RETUNE_API_KEY is sent where an app has none", async () => {
  const { url, lines, seen } = await stand(says(`You sent ${KEY}.`), { key: KEY });
  await (await post(url, chat(`My key is ${KEY}`))).text();
  expect(seen[0]!.headers.authorization).toBe(`Bearer ${KEY}`);
  expect(lines[0]).toContain("My key is ***");
  expect(lines[0]).toContain("You sent ***.");
  expect(lines.join()).not.toContain(KEY);
  await (await post(url, chat("ollama is a word here"), { authorization: "Bearer ollama" })).text();
  expect(seen[1]!.headers.authorization).toBe("Bearer ollama");
  expect(lines[1]).toContain("ollama is a word here");
});

test("an error of the upstream comes back as it is and is not learnt from", async () => {
  const { proxy, url, lines } = await stand((_request, response) => {
    response.writeHead(429, { "retry-after": "7" }).end('{"error": {"message": "slow down"}}');
  });
  const answer = await post(url, chat("Where?"));
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "7"]);
  expect(await answer.json()).toEqual({ error: { message: "slow down" } });
  expect(lines).toEqual([]);
  expect(proxy.counts).toMatchObject({ written: 0, failed: 1 });
});

test("an upstream that is not there is told as 502, one that breaks off breaks off", async () => {
  const gone = await stand(says(""), { upstream: new URL("http://127.0.0.1:9/v1") });
  const answer = await post(gone.url, chat("Where?"));
  expect(answer.status).toBe(502);
  expect(((await answer.json()) as { error: { message: string } }).error.message).toContain(
    "cannot be reached",
  );
  expect(gone.proxy.counts.failed).toBe(1);
  const broken = await stand((request, response) => {
    response.write(event({ content: "half" }), () => request.socket.destroy());
  });
  await expect(post(broken.url, chat("Where?")).then((half) => half.text())).rejects.toThrow();
  expect(broken.proxy.counts).toMatchObject({ written: 0, "not-ended": 1 });
  expect(broken.lines).toEqual([]);
});

test("an app that hangs up ends the upstream's call, too, and leaves no line", async () => {
  let closed = (): void => undefined;
  const ended = new Promise<void>((done) => (closed = done));
  const { proxy, url, lines } = await stand((_request, response) => {
    response.on("close", closed);
    response.write(event({ content: "half" }));
  });
  const stop = new AbortController();
  const call = await fetch(`${url}/chat/completions`, {
    method: "POST",
    body: chat("Where?"),
    signal: stop.signal,
  });
  await call.body!.getReader().read();
  stop.abort();
  await ended;
  expect(lines).toEqual([]);
  expect(proxy.counts).toMatchObject({ written: 0, "not-ended": 1 });
});

test("calls that go on when it ends are counted as broken off", async () => {
  let began = (): void => undefined;
  const beginning = new Promise<void>((done) => (began = done));
  const { proxy, url } = await stand((_request, response) => {
    response.write(event({ content: "half" }), began);
  });
  const call = post(url, chat("Where?")).then((answer) => answer.text());
  const outcome = expect(call).rejects.toThrow();
  await beginning;
  await proxy.close();
  await outcome;
  expect(proxy.counts["not-ended"]).toBe(1);
});

test("answers cut off at a limit are left out; models, embeddings and the like only pass", async () => {
  const { proxy, url, lines, seen } = await stand((request, response) => {
    const limit = { choices: [{ message: { content: "half a" }, finish_reason: "length" }] };
    response.end(JSON.stringify(request.method === "POST" ? limit : { data: [{ id: "m" }] }));
  });
  await (await post(url, chat("Where?"))).text();
  expect(await (await fetch(`${url}/models?all=1`)).json()).toEqual({ data: [{ id: "m" }] });
  expect(seen[1]!.url).toBe("/v1/models?all=1");
  expect(lines).toEqual([]);
  expect(proxy.counts).toMatchObject({ written: 0, "cut-off": 1, other: 1 });
});

test("an answer that comes compressed all the same is passed on as it is and read", async () => {
  const { url, lines, seen } = await stand((_request, response) => {
    response.setHeader("content-encoding", "gzip");
    response.end(gzipSync(JSON.stringify({ choices: [{ message: { content: "In Lyon." } }] })));
  });
  expect(await (await post(url, chat("Where?"))).text()).toContain("In Lyon.");
  expect(seen[0]!.headers["accept-encoding"]).toBe("identity");
  expect(lines[0]).toContain("In Lyon.");
});

test.each([
  ["/api/v1", "/api/v1/chat/completions"],
  ["", "/v1/chat/completions"],
])("an upstream at %j is called at %s", async (path, called) => {
  const { url, seen } = await stand(says("yes"), {}, path);
  await (await post(url, chat("Where?"))).text();
  expect(seen[0]!.url).toBe(called);
});

test("one web page may call it where it was named; other pages and host names are turned away", async () => {
  const origin = "https://my.app";
  const { url, lines, seen } = await stand(says("yes"), { allowedOrigin: origin });
  const preflight = await fetch(`${url}/chat/completions`, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    },
  });
  expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([
    204,
    "authorization",
  ]);
  const answer = await post(url, chat("Where?"), { origin });
  expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
  expect(seen).toHaveLength(1);
  expect(seen[0]!.headers.origin).toBeUndefined(); // local servers refuse pages they do not know
  const foreign = await post(url, chat("Where?"), { origin: "https://evil.example" });
  expect(foreign.status).toBe(403);
  expect(await foreign.text()).toContain("--allow-origin https://evil.example");
  expect(await statusAs(url, "rebound.example")).toBe(403);
  expect([seen.length, lines.length]).toEqual([1, 1]);
});

/** The status of a call that names another host, as after DNS rebinding. */
function statusAs(url: string, host: string): Promise<number | undefined> {
  return new Promise((done, failed) => {
    const call = httpRequest(`${url}/models`, { headers: { host } }, (answer) => {
      answer.resume();
      done(answer.statusCode);
    });
    call.on("error", failed);
    call.end();
  });
}
