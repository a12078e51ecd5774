import { sha256 } from "../../domain/data/hash.ts";
import type { Dataset } from "../../domain/data/dataset.ts";
import type { TestOpening, TestOpenings } from "../../domain/eval/advice-types.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import { dataHash } from "./data-hash.ts";
import { projectData } from "./project-data.ts";
import type { ProjectData } from "./project-data.ts";

// The test split judges, it does not choose: every look at it is counted, for each look that decides something makes the
// figures on it a little too good (Cawley & Talbot, JMLR 2010).

const KIND = "openings";
const NOTHING: Dataset = { queries: [], passages: [] };

/** Counts a look at the test split; answers how often this split has been opened, this time included. */
export async function openTest(
  workspace: Workspace,
  run: Pick<RunRecord, "id" | "projectId" | "number" | "recipe">,
  purpose: TestOpening["purpose"],
): Promise<number> {
  const { projectId } = run;
  const testHash = await testHashOf(workspace, projectId, run.recipe.task === "router");
  const told = await toldByRuns(workspace, projectId);
  const record = await workspace.parts.changeFinding(projectId, KIND, (known) => {
    const openings = (known?.value as readonly TestOpening[] | undefined) ?? [];
    const number = Math.max(told, openings.filter((each) => each.testHash === testHash).length) + 1;
    const opening = { number, runId: run.id, run: `Run ${run.number}`, purpose, testHash };
    return { projectId, kind: KIND, dataHash: testHash, value: [...openings, opening] };
  });
  return (record.value as readonly TestOpening[]).at(-1)!.number;
}

/** All looks at the present test split, in order. */
export async function testOpenings(workspace: Workspace, projectId: string): Promise<TestOpenings> {
  const found = await workspace.parts.finding(projectId, KIND);
  const all = (found?.value as readonly TestOpening[] | undefined) ?? [];
  const hashes = [
    await testHashOf(workspace, projectId, false),
    await testHashOf(workspace, projectId, true),
  ];
  const openings = all.filter(({ testHash }) => hashes.includes(testHash));
  const earlier = all.length - openings.length;
  const told = await toldByRuns(workspace, projectId);
  const count = Math.max(told, ...openings.map(({ number }) => number));
  return { count, earlier, openings, sentence: openingsSentence(count) };
}

/** What runs on exactly these data say: a project that came as a file brings its runs, but not each look. */
async function toldByRuns(workspace: Workspace, projectId: string): Promise<number> {
  const hash = await dataHash(await dataOf(workspace, projectId));
  const runs = (await workspace.runs.ofProject(projectId)).filter((run) => run.dataHash === hash);
  return runs.reduce((most, { testOpenings = 0 }) => Math.max(most, testOpenings), 0);
}

function openingsSentence(count: number): string {
  if (count === 0) return "This test set has not been opened yet.";
  return count === 1 ? "This test set was opened once." : `This test set was opened ${count} times.`;
}

async function testHashOf(workspace: Workspace, projectId: string, router: boolean): Promise<string> {
  if (router) {
    const record = await workspace.parts.router(projectId);
    return sha256(JSON.stringify(record?.dataset.examples ?? []));
  }
  const { test } = await dataOf(workspace, projectId);
  return dataHash({ train: NOTHING, test });
}

async function dataOf(workspace: Workspace, projectId: string): Promise<ProjectData> {
  const { split } = await workspace.projects.get(projectId);
  return projectData(await workspace.projects.contents(projectId), split);
}
