import "fake-indexeddb/auto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import type { ModelFolders } from "../../../src/app/encoders/folder-store.ts";
import { Emitter } from "../../../src/app/page/emitter.ts";
import { EncoderShelf } from "../../../src/app/page/encoder-shelf.ts";
import { Environment } from "../../../src/app/page/environment.ts";
import { WorkerPool } from "../../../src/app/page/worker-pool.ts";
import type { EmbedMethods, WorkerEvent } from "../../../src/app/protocol/calls.ts";
import { Host } from "../../../src/app/protocol/host.ts";
import type { WorkerChannel } from "../../../src/app/protocol/messages.ts";
import { RetuneError } from "../../../src/engine/errors.ts";
import { Workspace } from "../../../src/app/storage/workspace.ts";

type Inspected = EmbedMethods["inspect"]["params"];

/** Of what a shelf of encoders asks nothing. */
const unasked = (): Promise<never> => Promise.reject(new Error("not asked here"));

/** A shelf whose embed worker believes any files to be a model of 8 dimensions. */
function shelfOver(page: "sealed" | "connected", host = "http://127.0.0.1:1") {
  const inspected: Inspected[] = [];
  const kept = new Map<string, readonly string[]>();
  const folders: ModelFolders = {
    blob: () => Promise.resolve(undefined),
    open: () => ({ name: "", read: () => Promise.resolve(undefined) }),
    keep: async (id, files) => void kept.set(id, [...files.keys()].sort()),
    write: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  };
  const openWorker = (): WorkerChannel => {
    const { port1, port2 } = new MessageChannel();
    port1.start();
    port2.start();
    new Host<EmbedMethods, WorkerEvent>(port2, {
      embed: () => Promise.resolve(0),
      inspectWeights: unasked,
      rerank: unasked,
      route: unasked,
      writeQuestions: unasked,
      tryTeacher: unasked,
      encode: ({ key }) =>
        key === "wrong"
          ? Promise.reject(new RetuneError("usage", "the endpoint answered 401"))
          : Promise.resolve(new Float32Array(5)),
      inspect: async (params) => {
        inspected.push(params);
        const { name, precision } = params;
        const hash = `${precision}-0123456789abcdef`;
        return { name, hash, dimension: 8, maxTokens: 512, precision, queryInstruction: "" };
      },
    });
    return Object.assign(port1, { terminate: () => port1.close() });
  };
  const workspace = new Workspace({ name: `shelf-${crypto.randomUUID()}` });
  const workers = new WorkerPool(openWorker, () => undefined);
  const facts = { seal: "none", isolated: false, offlineReady: false, defaultModel: "ready" } as const;
  const environment = new Environment(new Emitter(), { page, ...facts });
  const shelf = new EncoderShelf({ workspace, workers, environment, folders, hub: { host } });
  return { shelf, workspace, workers, inspected, kept };
}

const picked = (path: string): File => {
  const file = new File(["x"], path.split("/").at(-1)!);
  return Object.defineProperty(file, "webkitRelativePath", { value: `model/${path}` });
};

test("a folder with both precisions gives two models, each with its own files; fp32 is the one chosen", async () => {
  const { shelf, workers, inspected, kept } = shelfOver("sealed");
  const files = [
    "tokenizer.json",
    "model.onnx",
    "onnx/model_quantized.onnx",
    "1_Pooling/config.json",
    "README.md",
  ];
  const chosen = await shelf.addFolder(files.map(picked));
  workers.endAll();
  expect(chosen).toMatchObject({ name: "model", precision: "fp32", available: true });
  const added = (await shelf.list()).filter(({ origin }) => origin === "folder");
  expect(added.map(({ precision }) => precision)).toEqual(["fp32", "int8"]);
  expect(inspected.map(({ precision }) => precision)).toEqual(["fp32", "int8"]);
  expect([...kept.values()]).toEqual([
    ["1_Pooling/config.json", "onnx/model.onnx", "tokenizer.json"],
    ["1_Pooling/config.json", "onnx/model_quantized.onnx", "tokenizer.json"],
  ]);
});

test("an endpoint is refused on the sealed page before anything is sent", async () => {
  const { shelf, workspace } = shelfOver("sealed");
  const add = shelf.addEndpoint({ url: "http://127.0.0.1:1/v1", model: "m" });
  await expect(add).rejects.toMatchObject({ code: "unsupported" });
  expect(await workspace.encoders()).toEqual([]);
});

test("an endpoint that refuses the first text is not kept", async () => {
  const { shelf, workspace, workers } = shelfOver("connected");
  const add = shelf.addEndpoint({ url: "http://127.0.0.1:1/v1", model: "m", key: "wrong" });
  await expect(add).rejects.toMatchObject({ code: "usage" });
  workers.endAll();
  expect(await workspace.encoders()).toEqual([]);
});

test("an endpoint's key stays in memory: nothing of it is in the database", async () => {
  const { shelf, workspace, workers } = shelfOver("connected");
  const view = await shelf.addEndpoint({ url: "http://127.0.0.1:1/v1", model: "m", key: "sk-CANARY-2" });
  workers.endAll();
  expect(view).toMatchObject({ origin: "endpoint", dimension: 5, available: true });
  expect(shelf.keyOf(view.id)).toBe("sk-CANARY-2");
  const database = await workspace.connection.read(["encoders", "settings"], "test", async (tx) => [
    await tx.objectStore("encoders").getAll(),
    await tx.objectStore("settings").getAll(),
  ]);
  expect(JSON.stringify(database)).toContain("http://127.0.0.1:1/v1");
  expect(JSON.stringify(database)).not.toContain("CANARY");
});

/** A hub with one model, tiny/bert. */
async function openHub() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace("/tiny/bert/resolve/main/", "");
    asked.push(path);
    void readFile(`tests/fixtures/formats/tiny-bert/${path}`).then(
      (content) => {
        if (request.headers.range === undefined) return response.end(content);
        response.writeHead(206, { "content-range": `bytes 0-0/${content.length}` });
        return response.end(content.subarray(0, 1));
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, asked, close: () => server.close() };
}

test("a model of the hub is refused on the sealed page before anything is asked", async () => {
  const hub = await openHub();
  const { shelf, workspace } = shelfOver("sealed", hub.host);
  const refused = { code: "unsupported", message: expect.stringContaining("connected page") as string };
  await expect(shelf.lookUpHubModel("tiny/bert")).rejects.toMatchObject(refused);
  await expect(shelf.addHubModel("tiny/bert")).rejects.toMatchObject(refused);
  hub.close();
  expect(hub.asked).toEqual([]);
  expect(await workspace.encoders()).toEqual([]);
});

test("a model of the hub is tried and kept as a picked folder is, and can be chosen afterwards", async () => {
  const hub = await openHub();
  const { shelf, workers, inspected, kept } = shelfOver("connected", hub.host);
  const found = await shelf.lookUpHubModel("tiny/bert");
  expect(inspected).toEqual([]);
  const view = await shelf.addHubModel("tiny/bert");
  workers.endAll();
  hub.close();
  expect(view).toMatchObject({ name: "tiny/bert", origin: "hub", available: true, precision: "fp32" });
  expect(kept.get(view.id)).toEqual(found.files.map(({ path }) => path).sort());
  expect(kept.get(view.id)).toEqual([
    "config.json",
    "onnx/model.onnx",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  expect((await shelf.list()).map((encoder) => encoder.id)).toContain(view.id);
});
