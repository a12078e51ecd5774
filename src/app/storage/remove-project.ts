import type { Connection } from "./connection.ts";
import { CONTENT } from "./row-packs.ts";
import { trainedModelId } from "./run-store.ts";

const BY_PROJECT = ["imports", "rungs", "findings", "sources"] as const; // found by their index
const ROWS = ["passages", "questions", "texts"] as const;
const OF_RUNS = ["runs", "reports", "manifests", "chunks", "models"] as const;
const OTHERS = ["encoders", "settings", "routers", "pairs", "rungs", "findings"] as const;

/** Removes a project with its files, rows, runs, reports, checkpoints, findings and open imports: all or nothing. */
export async function removeProject(connection: Connection, projectId: string): Promise<void> {
  const stores = [...CONTENT, ...OF_RUNS, ...OTHERS] as const;
  await connection.write(stores, "removing the project", async (transaction) => {
    await transaction.objectStore("projects").delete(projectId);
    const within = IDBKeyRange.bound([projectId], [projectId, []]);
    for (const name of ROWS) await transaction.objectStore(name).delete(within);
    for (const name of BY_PROJECT) {
      const store = transaction.objectStore(name);
      for (const key of await store.index("project").getAllKeys(projectId)) await store.delete(key);
    }
    await transaction.objectStore("encoders").delete(`vectors-${projectId}`);
    await transaction.objectStore("settings").delete(`generation rows ${projectId}`);
    await transaction.objectStore("settings").delete(`generation failures ${projectId}`);
    await transaction.objectStore("routers").delete(projectId);
    await transaction.objectStore("pairs").delete(projectId);
    for (const runId of await transaction.objectStore("runs").index("project").getAllKeys(projectId)) {
      const ofRun = IDBKeyRange.bound([runId], [`${runId}\uffff`]); // its result lies under a longer key
      for (const name of ["runs", "reports"] as const) await transaction.objectStore(name).delete(runId);
      for (const name of ["manifests", "chunks"] as const) await transaction.objectStore(name).delete(ofRun);
      for (const name of ["encoders", "models"] as const) {
        await transaction.objectStore(name).delete(trainedModelId(runId));
      }
    }
  });
}
