import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Environment } from "../../../src/app/page/environment.ts";
import { LabHub } from "../../../src/app/page/lab-hub.ts";
import type { WorkerPool } from "../../../src/app/page/worker-pool.ts";

const FILES: Readonly<Record<string, string>> = {
  "config.json": JSON.stringify({
    ...{ model_type: "llama", vocab_size: 8, hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1 },
    ...{ num_attention_heads: 2, num_key_value_heads: 1, tie_word_embeddings: true },
  }),
  "tokenizer.json": "{}",
  "model.safetensors": "weights",
};
let server: Server;
let host = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    const content = FILES[(request.url ?? "").split("/resolve/main/")[1] ?? ""];
    if (content === undefined) return void response.writeHead(404).end();
    const first = request.headers.range !== undefined;
    if (first) response.writeHead(206, { "content-range": `bytes 0-0/${content.length}` });
    response.end(first ? content.slice(0, 1) : content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

interface Added {
  readonly files: readonly { readonly name: string; readonly blob: Blob }[];
  readonly keptAs: string;
  readonly origin: string;
}

function hubOf(page: "sealed" | "connected") {
  const added: Added[] = [];
  const call = (_name: string, params: Added): Promise<null> => {
    added.push(params);
    return Promise.resolve(null);
  };
  const workers = { lab: { call } } as unknown as WorkerPool;
  const environment = { view: { page } } as unknown as Environment;
  return { added, hub: new LabHub({ workers, environment, hub: { host } }) };
}

test("a decoder from the hub goes to the lab's worker as a folder, to be kept as asked", async () => {
  const { added, hub } = hubOf("connected");
  const model = await hub.lookUp("tiny/llama");
  expect(model.totalBytes).toBe(Object.values(FILES).join("").length);
  await hub.add(model, "q8");
  expect(added).toMatchObject([{ keptAs: "q8", origin: "hub" }]);
  const texts = await Promise.all(added[0]!.files.map(async ({ name, blob }) => [name, await blob.text()]));
  expect(Object.fromEntries(texts)).toEqual(
    Object.fromEntries(Object.entries(FILES).map(([path, text]) => [`llama/${path}`, text])),
  );
});

test("the sealed page asks no other machine", async () => {
  await expect(hubOf("sealed").hub.lookUp("tiny/llama")).rejects.toMatchObject({ code: "unsupported" });
});
