import "fake-indexeddb/auto";
import { openDB } from "idb";
import { beforeEach, expect, test, vi } from "vitest";
import type { Canary, CanaryMark } from "../../../src/app/storage/canary.ts";
import { Connection } from "../../../src/app/storage/connection.ts";
import type { SourceContent } from "../../../src/app/storage/project-store.ts";
import { storageError } from "../../../src/app/storage/storage-error.ts";
import { Workspace } from "../../../src/app/storage/workspace.ts";
import type { RetuneError } from "../../../src/engine/errors.ts";

let name: string;
let workspace: Workspace;
beforeEach(() => {
  name = `workspace-${crypto.randomUUID()}`;
  workspace = new Workspace({ name });
});

const project = (id: string) => ({
  id,
  name: `Project ${id}`,
  sample: false,
  createdAt: 0,
  chunking: { maxTokens: 200, overlapTokens: 20 },
  encoderId: "bge",
  split: { testShare: 0.25, seed: 0 },
  nextRun: 1,
});

function content(id: string, rows: number): SourceContent {
  const passages = Array.from({ length: rows }, (_, index) => ({
    id: `${id}-p${index}`,
    text: `text ${index}`,
  }));
  const questions = passages.map((passage, index) => ({
    id: `${id}-q${index}`,
    text: `question ${index}`,
    relevant: [{ passage: passage.id, grade: 1 }],
    state: "accepted" as const,
  }));
  const source = {
    id,
    projectId: "p",
    sequence: 0,
    name: `${id}.json`,
    format: "LlamaIndex dataset",
    bytes: 10,
    role: "train" as const,
    passages: 0,
    questions: 0,
    hash: "h",
  };
  return { source, passages, questions };
}

test("rows come back in file order, over several blocks and several files", async () => {
  await workspace.projects.create(project("p"));
  await workspace.projects.addSources("p", [content("b", 2300), content("a", 3)]);
  await workspace.projects.addSources("p", [content("c", 1)]);
  const contents = await workspace.projects.contents("p");
  expect(contents.map(({ source }) => [source.name, source.passages, source.questions])).toEqual([
    ["b.json", 2300, 2300],
    ["a.json", 3, 3],
    ["c.json", 1, 1],
  ]);
  expect(contents[0]!.passages).toEqual(content("b", 2300).passages);
  expect(contents[0]!.questions).toEqual(content("b", 2300).questions);
});

test("an import that fails in its last row leaves nothing of itself", async () => {
  await workspace.projects.create(project("p"));
  const broken = content("x", 1500);
  const unclonable = { id: "bad", text: (() => "") as unknown as string };
  const import_ = workspace.projects.addSources("p", [
    content("good", 2),
    { ...broken, passages: [...broken.passages, unclonable] },
  ]);
  await expect(import_).rejects.toThrow();
  expect(await workspace.projects.contents("p")).toEqual([]);
});

test("removing a project takes its files and rows and leaves the others", async () => {
  await workspace.projects.create(project("p"));
  await workspace.projects.create(project("other"), [content("o", 2)]);
  await workspace.projects.addSources("p", [content("a", 3)]);
  await workspace.projects.remove("p");
  expect((await workspace.projects.list()).map((each) => each.id)).toEqual(["other"]);
  expect(await workspace.projects.contents("p")).toEqual([]);
  expect((await workspace.projects.contents("other"))[0]!.passages).toHaveLength(2);
  await expect(workspace.projects.get("p")).rejects.toMatchObject({ code: "usage" });
});

test("one question changes in place", async () => {
  await workspace.projects.create(project("p"), [content("a", 1200)]);
  await workspace.projects.changeQuestion("p", "a-q1100", (row) => ({ ...row, state: "rejected" }));
  const [only] = await workspace.projects.contents("p");
  expect(only!.questions.filter((row) => row.state === "rejected").map((row) => row.id)).toEqual(["a-q1100"]);
  const unknown = workspace.projects.changeQuestion("p", "nobody", (row) => row);
  await expect(unknown).rejects.toMatchObject({ code: "usage" });
});

test("vectors are found by encoder, instruction and text, and only their own bytes are kept", async () => {
  const space = { encoderHash: "e", instruction: "" };
  const wide = new Float32Array(1000).fill(3);
  const vectors = { rows: 2, columns: 2, values: wide.subarray(0, 4) };
  vectors.values.set([1, 2, 3, 4]);
  await workspace.vectors.add(space, ["one", "two"], vectors);
  const found = await workspace.vectors.find(space, ["two", "none", "one"]);
  expect(found.map((row) => row && [...row])).toEqual([[3, 4], undefined, [1, 2]]);
  expect(await workspace.vectors.count({ ...space, instruction: "q: " }, ["one"])).toBe(0);
  expect(await workspace.vectors.count({ ...space, encoderHash: "f" }, ["one"])).toBe(0);
  const blocks = await workspace.connection.read(["vectorBlocks"], "test", (tx) =>
    tx.objectStore("vectorBlocks").getAll(),
  );
  expect(blocks.map((block) => block.values.buffer.byteLength)).toEqual([16]);
});

function memoryCanary(): Canary & { mark: CanaryMark | null } {
  const canary = {
    mark: null as CanaryMark | null,
    read: () => Promise.resolve(canary.mark),
    write: (mark: CanaryMark) => {
      canary.mark = mark;
      return Promise.resolve();
    },
  };
  return canary;
}

test("a wiped database is told from a new one", async () => {
  const canary = memoryCanary();
  expect(await workspace.checkCanary(canary)).toBe("new");
  await workspace.projects.create(project("p"));
  await workspace.mark(canary);
  expect(canary.mark).toMatchObject({ projects: 1, runs: 0 });
  expect(await workspace.checkCanary(canary)).toBe("whole");
  const wiped = new Workspace({ name: `${name}-wiped` });
  expect(await wiped.checkCanary(canary)).toBe("lost");
  expect(await wiped.checkCanary(canary), "asked again before anything new is kept").toBe("lost");
  await wiped.mark(canary);
  expect(await wiped.checkCanary(canary)).toBe("whole");
});

test("an older tab lets a newer one upgrade, says so, and writes nothing more", async () => {
  const problems: RetuneError[] = [];
  const old = new Connection({ name, onProblem: (error) => problems.push(error) });
  await old.read(["settings"], "test", (tx) => tx.objectStore("settings").getAll());
  const newer = await openDB(name, 99, { upgrade: () => undefined });
  expect(problems.map((error) => error.code)).toEqual(["storage-blocked"]);
  const write = old.write(["settings"], "test", (tx) =>
    tx.objectStore("settings").put({ key: "k", value: 1 }),
  );
  await expect(write).rejects.toMatchObject({ code: "storage-blocked" });
  newer.close();
  const downgraded = new Connection({ name });
  const read = downgraded.read(["settings"], "test", (tx) => tx.objectStore("settings").getAll());
  await expect(read).rejects.toMatchObject({ code: "storage-blocked", message: /newer Retune/ });
});

test("a connection that the browser closed is opened again", async () => {
  await workspace.saveSetting("k", 1);
  const transaction = vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementationOnce(() => {
    throw new DOMException("The database connection is closing.", "InvalidStateError");
  });
  expect(await workspace.setting("k")).toBe(1);
  expect(transaction).toHaveBeenCalledTimes(2);
  transaction.mockRestore();
});

test("a database that never answers is reported after the watchdog's time", async () => {
  const problems: RetuneError[] = [];
  const stalled = new Connection({ name, watchdogMs: 20, onProblem: (error) => problems.push(error) });
  const read = stalled.read(["settings"], "reading settings", () => new Promise(() => undefined));
  await expect(read).rejects.toMatchObject({ code: "storage-broken" });
  expect(problems[0]!.message).toMatch(/did not answer.*reading settings/);
});

test.each([
  [new DOMException("q", "QuotaExceededError"), "storage-full"],
  [new DOMException("d", "DataError"), "storage-broken"],
  [new DOMException("u", "UnknownError"), "storage-broken"],
  [new DOMException("n", "NotReadableError"), "storage-broken"],
  [null, "storage-broken"],
  [new DOMException("v", "VersionError"), "storage-blocked"],
])("%s crosses as %s", (thrown, code) => {
  expect(storageError(thrown, "the run")).toMatchObject({ code });
});

test("what is not storage's fault stays what it is", () => {
  const defect = new TypeError("x is undefined");
  expect(storageError(defect, "the run")).toBe(defect);
});

test("a finding is found again on the data it belongs to, not on other data, and goes with its project", async () => {
  await workspace.projects.create(project("p"));
  await workspace.parts.saveFinding({
    projectId: "p",
    kind: "triage",
    dataHash: "a",
    value: { ceiling: 0.9 },
  });
  await workspace.parts.saveFinding({ projectId: "p", kind: "map", runId: "r", dataHash: "a", value: 1 });
  expect((await workspace.parts.finding("p", "triage", { dataHash: "a" }))?.value).toEqual({ ceiling: 0.9 });
  expect(await workspace.parts.finding("p", "triage", { dataHash: "b" })).toBeUndefined();
  expect((await workspace.parts.finding("p", "map", { runId: "r" }))?.value).toBe(1);
  expect(await workspace.parts.finding("p", "map")).toBeUndefined();
  await workspace.projects.remove("p");
  expect(await workspace.parts.finding("p", "triage")).toBeUndefined();
});
