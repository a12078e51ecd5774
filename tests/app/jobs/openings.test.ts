import "fake-indexeddb/auto";
import { afterEach, expect, test } from "vitest";
import { newRun } from "../../../src/app/jobs/new-run.ts";
import { dataHash } from "../../../src/app/jobs/data-hash.ts";
import { openTest, testOpenings } from "../../../src/app/jobs/openings.ts";
import { projectData } from "../../../src/app/jobs/project-data.ts";
import type { SourceContent } from "../../../src/app/storage/project-store.ts";
import { Workspace } from "../../../src/app/storage/workspace.ts";
import type { RunRecord } from "../../../src/app/storage/records.ts";

const opened: Workspace[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

const PROJECT = "p";
const RECIPE = {
  task: "adapter",
  settings: { mode: "compatible", adapter: { kind: "linear", features: 4, bias: false }, seed: 0 },
} as const;

function content(role: "train" | "test", questions: number): SourceContent {
  const source = {
    ...{ id: role, projectId: PROJECT, sequence: 0, name: role, format: "JSON", bytes: 1, role, hash: role },
    ...{ passages: 2, questions },
  };
  const passages = [0, 1].map((index) => ({ id: `${role}-p${index}`, text: `${role} passage ${index}` }));
  const rows = Array.from({ length: questions }, (_, index) => ({
    id: `${role}-q${index}`,
    text: `${role} question ${index}`,
    relevant: [{ passage: `${role}-p${index % 2}`, grade: 1 }],
    state: "accepted" as const,
  }));
  return { source, passages, questions: rows };
}

async function ground(testQuestions = 3): Promise<Workspace> {
  const workspace = new Workspace({ name: `openings-${crypto.randomUUID()}` });
  opened.push(workspace);
  const project = {
    ...{ id: PROJECT, name: "P", sample: false, createdAt: 0, encoderId: "x", nextRun: 1 },
    ...{ chunking: { maxTokens: 100, overlapTokens: 0 }, split: { testShare: 0.25, seed: 0 } },
  };
  await workspace.projects.create(project, [content("train", 4), content("test", testQuestions)]);
  return workspace;
}

async function run(workspace: Workspace, change: Partial<RunRecord> = {}): Promise<RunRecord> {
  return workspace.runs.create({ ...newRun(PROJECT, "x", RECIPE, ""), ...change });
}

test("looks are numbered in order, also where two come at once", async () => {
  const workspace = await ground();
  expect(await testOpenings(workspace, PROJECT)).toMatchObject({ count: 0, openings: [] });
  const [first, second] = [await run(workspace), await run(workspace)];
  const numbers = await Promise.all([
    openTest(workspace, first, "judged"),
    openTest(workspace, second, "judged"),
    openTest(workspace, first, "strength"),
  ]);
  expect([...numbers].sort()).toEqual([1, 2, 3]);
  const { count, sentence } = await testOpenings(workspace, PROJECT);
  expect([count, sentence]).toEqual([3, "This test set was opened 3 times."]);
});

test("other test questions are another test set; other training questions are not", async () => {
  const workspace = await ground();
  const one = await run(workspace);
  await openTest(workspace, one, "judged");
  await workspace.projects.changeQuestion(PROJECT, "train-q0", (row) => ({ ...row, state: "rejected" }));
  expect(await testOpenings(workspace, PROJECT)).toMatchObject({ count: 1, earlier: 0 });
  await workspace.projects.changeQuestion(PROJECT, "test-q0", (row) => ({
    ...row,
    text: "another question",
  }));
  const changed = await testOpenings(workspace, PROJECT);
  expect(changed).toMatchObject({ count: 0, earlier: 1, sentence: "This test set has not been opened yet." });
  expect(await openTest(workspace, one, "judged")).toBe(1);
});

test("runs that came with a project file go on counting where they stood", async () => {
  const workspace = await ground();
  const { split } = await workspace.projects.get(PROJECT);
  const hash = await dataHash(projectData(await workspace.projects.contents(PROJECT), split));
  const came = await run(workspace, { dataHash: hash, testOpenings: 5 });
  expect((await testOpenings(workspace, PROJECT)).count).toBe(5);
  expect(await openTest(workspace, came, "strength")).toBe(6);
  expect((await testOpenings(workspace, PROJECT)).count).toBe(6);
});
