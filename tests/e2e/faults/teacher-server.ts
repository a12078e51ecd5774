import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** An OpenAI-compatible server on loopback that repeats in its refusals the key it was sent, as real ones do. */
export interface TeacherServer {
  readonly url: string; // up to /v1
  readonly received: { path: string; authorization: string }[];
  refuseEmbeddings: boolean;
  close(): Promise<void>;
}

const DIMENSION = 8;
const PERMISSION = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Headers": "authorization, content-type",
};

export async function openTeacherServer(): Promise<TeacherServer> {
  const received: TeacherServer["received"] = [];
  const state = { refuseEmbeddings: false };
  const server = createServer((request, response) => {
    void answer(request, response, received, state);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the teacher has no port");
  return Object.assign(state, {
    url: `http://127.0.0.1:${address.port}/v1`,
    received,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  received: TeacherServer["received"],
  state: { readonly refuseEmbeddings: boolean },
): Promise<void> {
  if (request.method === "OPTIONS") {
    response.writeHead(204, PERMISSION).end();
    return;
  }
  let body = "";
  for await (const part of request) body += String(part);
  const { url: path = "", headers } = request;
  received.push({ path, authorization: headers.authorization ?? "" });
  const reply = (status: number, value: unknown): void => {
    response.writeHead(status, { ...PERMISSION, "Content-Type": "application/json" });
    response.end(JSON.stringify(value));
  };
  const refusal = { error: { message: `Incorrect API key provided: ${headers.authorization ?? ""}.` } };
  if (path.endsWith("/embeddings")) {
    if (state.refuseEmbeddings) return reply(401, refusal);
    const { input } = JSON.parse(body) as { input: string[] };
    return reply(200, { data: input.map((text, index) => ({ index, embedding: vectorOf(text) })) });
  }
  if (received.length === 2) return reply(500, refusal); // tried again
  const content = `1. What does part ${received.length} of the manual say?\n2. Who reads part ${received.length}?`;
  return reply(200, { choices: [{ message: { role: "assistant", content } }] });
}

/** A vector that depends on the words of a text only. */
function vectorOf(text: string): number[] {
  const vector = Array<number>(DIMENSION).fill(0.01);
  for (const word of text.toLowerCase().split(/\W+/)) {
    let hash = 7;
    for (const letter of word) hash = (hash * 31 + letter.charCodeAt(0)) % 997;
    vector[hash % DIMENSION]! += 1;
  }
  return vector;
}
