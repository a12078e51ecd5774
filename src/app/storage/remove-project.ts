import type { Connection } from "./connection.ts";
import { CONTENT } from "./row-packs.ts";
import { trainedModelId } from "./run-store.ts";

const OF_RUNS = ["runs", "reports", "manifests", "chunks", "models"] as const;

/** Removes a project with its files, rows, runs, reports, checkpoints, findings and open imports: all or nothing. */
export async function removeProject(connection: Connection, projectId: string): Promise<void> {
  const stores = [
    ...CONTENT,
    ...OF_RUNS,
    "encoders",
    "settings",
    "routers",
    "pairs",
    "rungs",
    "findings",
  ] as const;
  await connection.write(stores, "removing the project", async (transaction) => {
    const within = IDBKeyRange.bound([projectId], [projectId, []]);
    await transaction.objectStore("projects").delete(projectId);
    await transaction.objectStore("passages").delete(within);
    await transaction.objectStore("questions").delete(within);
    await transaction.objectStore("texts").delete(within);
    for (const key of await transaction.objectStore("imports").index("project").getAllKeys(projectId)) {
      await transaction.objectStore("imports").delete(key);
    }
    await transaction.objectStore("encoders").delete(`vectors-${projectId}`);
    await transaction.objectStore("settings").delete(`generation rows ${projectId}`);
    await transaction.objectStore("settings").delete(`generation failures ${projectId}`);
    await transaction.objectStore("routers").delete(projectId);
    await transaction.objectStore("pairs").delete(projectId);
    for (const key of await transaction.objectStore("rungs").index("project").getAllKeys(projectId)) {
      await transaction.objectStore("rungs").delete(key);
    }
    for (const key of await transaction.objectStore("findings").index("project").getAllKeys(projectId)) {
      await transaction.objectStore("findings").delete(key);
    }
    for (const key of await transaction.objectStore("sources").index("project").getAllKeys(projectId)) {
      await transaction.objectStore("sources").delete(key);
    }
    for (const runId of await transaction.objectStore("runs").index("project").getAllKeys(projectId)) {
      const ofRun = IDBKeyRange.bound([runId], [`${runId}\uffff`]); // its result lies under a longer key
      await transaction.objectStore("runs").delete(runId);
      await transaction.objectStore("reports").delete(runId);
      await transaction.objectStore("manifests").delete(ofRun);
      await transaction.objectStore("chunks").delete(ofRun);
      await transaction.objectStore("encoders").delete(trainedModelId(runId));
      await transaction.objectStore("models").delete(trainedModelId(runId));
    }
  });
}
